package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/guard/prove"
	"ssmguard/internal/safetext"
)

// Proof is a claim about all sessions of a range with its answer.
type Proof struct {
	Name   string // in a file of claims, "" for none
	Claim  string // in a sentence
	Proven bool
	Open   []string // what stands in the way, where it is neither proven nor refuted
	Shown  []Shown  // counterexamples, the smallest first
}

// Shown is a counterexample, and the decision of its request with the finding that marks the
// statements which let it through, or would have to.
type Shown struct {
	*prove.Counterexample
	Decision guard.Decision
}

// Verdict is the answer as a verdict: Allow if it is proven, a denial if it is refuted.
func (p Proof) Verdict() policy.Verdict {
	switch {
	case len(p.Shown) > 0:
		return policy.ImplicitDeny
	case p.Proven:
		return policy.Allow
	}
	return policy.Unknown
}

// answer is the verdict in words.
func (p Proof) answer() string {
	return map[policy.Verdict]string{policy.Allow: "proven", policy.Unknown: "not decided", policy.ImplicitDeny: "not so"}[p.Verdict()]
}

func (p Proof) title() string { return cmp.Or(p.Name, p.Claim) }

// Proofs renders claims, in their order.
type Proofs interface {
	Proof(Proof) error
	// Close ends the output. The writer stays open.
	Close() error
}

// NewProofs returns what renders claims as json, sarif, github or html, nil for another format. The files
// are those of the policies.
func NewProofs(w io.Writer, format string, files []string) Proofs {
	switch format {
	case "json":
		return proofsJSON{w}
	case "sarif":
		return proofFindings{NewSARIF(w, files), nil}
	case "github":
		return proofFindings{NewGitHub(w, files), w}
	case "html":
		return &proofsHTML{HTML: HTML{htmlPage{w: w}}}
	}
	return nil
}

// labelled is a text with its label.
type labelled struct{ label, text string }

// rows are the facts of a counterexample.
func (s Shown) rows() (rows []labelled) {
	add := func(label, text string) {
		if text != "" {
			rows = append(rows, labelled{label, text})
		}
	}
	c := s.Counterexample
	add("caller", c.Principal)
	if c.Action != guard.ActionStart {
		whose := "its own"
		if c.Others {
			whose = "one that another caller started"
			if !strings.HasPrefix(guard.ArnField(c.Principal, 5), "user/") {
				whose = "whoever started it"
			}
		}
		add("action", c.Action)
		add("session", guard.ArnField(c.Resource, 5)+" ("+whose+")")
	}
	add("target", c.Target+cmp.Or(tagsBehind(c.TargetTags), " (untagged)"))
	if c.Action == guard.ActionStart {
		add("document", c.Document+tagsBehind(c.DocumentTags))
	}
	add("region", c.Region)
	context := make(map[string]string)
	for key, values := range c.Context {
		context[key] = strings.Join(values, ",")
	}
	add("context", pairs(context))
	switch {
	case c.Denied && c.Statement != "":
		add("denied by", c.Statement)
	case c.Denied:
		add("denied", "no statement grants "+c.Action+" on "+c.Resource)
	default:
		add("allowed by", c.Statement)
	}
	return rows
}

// excerpts are the statements that bear on a counterexample, but for those that were shown
// with the ones before it.
func (s Shown) excerpts(before []Shown, width int) []Excerpt {
	findings := slices.Clone(s.Decision.Findings)
	for i := range findings {
		findings[i].Nearest = slices.DeleteFunc(slices.Clone(findings[i].Nearest), func(n guard.Near) bool {
			return slices.ContainsFunc(before, func(o Shown) bool {
				return slices.ContainsFunc(o.Decision.Findings, func(f guard.Finding) bool {
					return slices.ContainsFunc(f.Nearest, func(other guard.Near) bool { return other.At == n.At })
				})
			})
		})
	}
	return NewAbout(s.Decision, findings, width).Excerpts
}

// tagsBehind writes tags as they stand behind a name, "" for none.
func tagsBehind(tags map[string]string) string {
	if len(tags) == 0 {
		return ""
	}
	return " (" + pairs(tags) + ")"
}

// pairs writes keys with their values, sorted.
func pairs(all map[string]string) string {
	var texts []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		texts = append(texts, key+"="+all[key])
	}
	return strings.Join(texts, ", ")
}

// Proof writes a claim with its answer, and below it what shows that it is not so, or what
// stands in the way.
func (t *Text) Proof(p Proof) error {
	var b strings.Builder
	colour := map[policy.Verdict]string{policy.Allow: green, policy.Unknown: yellow, policy.ImplicitDeny: red}[p.Verdict()]
	const begin = "ssmguard: "
	safetext.Fprintf(&b, begin+"%s: %s\n", t.paint(colour, p.answer()), wrap(p.title(), "  ", len(begin)+len(p.answer())+2, t.style.Width))
	row := func(label, text string) {
		const indent = "             "
		safetext.Fprintf(&b, "  %-10s %s\n", label, wrap(text, indent, len(indent), t.style.Width))
	}
	for _, what := range p.Open {
		row("open", what)
	}
	for i, s := range p.Shown {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, r := range s.rows() {
			row(r.label, r.text)
		}
		for _, e := range s.excerpts(p.Shown[:i], t.policyWidth()) {
			b.WriteByte('\n')
			t.excerpt(&b, e)
		}
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// proofFindings tells what is not so, and what was not decided, as findings; with a writer
// each claim gets a line, too.
type proofFindings struct {
	Handler
	lines io.Writer
}

// Proof implements Proofs.
func (f proofFindings) Proof(p Proof) error {
	var findings []guard.Decision
	for _, s := range p.Shown {
		d := s.Decision
		d.Findings = slices.Clone(d.Findings)
		for i := range d.Findings {
			d.Findings[i].Summary = "not so: " + p.title()
			var facts []string
			for _, r := range s.rows() {
				facts = append(facts, r.label+" "+r.text)
			}
			d.Findings[i].Detail = strings.Join(facts, "; ")
		}
		findings = append(findings, d)
	}
	if p.Verdict() == policy.Unknown {
		findings = append(findings, guard.Decision{Findings: []guard.Finding{{Code: finding.NotDecided, Level: guard.Warning,
			Summary: "not decided: " + p.title(), Detail: strings.Join(p.Open, "; ")}}})
	}
	for _, d := range findings {
		var err error
		if g, ok := f.Handler.(*GitHub); ok {
			err = g.Findings(d) // the decision of one request has another verdict
		} else {
			err = f.Decision(d)
		}
		if err != nil {
			return err
		}
	}
	if f.lines == nil {
		return nil
	}
	_, err := safetext.Fprintf(f.lines, "ssmguard: %s: %s\n", p.answer(), p.title())
	return err
}

// proofJSON is a claim for programs, as schema/proof.schema.json describes it.
type proofJSON struct {
	Protocol       int                  `json:"protocol"`
	Name           string               `json:"name,omitempty"`
	Claim          string               `json:"claim"`
	Proven         *bool                `json:"proven"` // null where it is not decided
	Counterexample *counterexampleJSON  `json:"counterexample"`
	More           []counterexampleJSON `json:"more"`
	Open           []string             `json:"open"`
}

type counterexampleJSON struct {
	*prove.Counterexample
	Others  bool       `json:"others"`
	Nearest []nearJSON `json:"nearest"`
}

// proofsJSON writes a line for each claim.
type proofsJSON struct{ w io.Writer }

// Close implements Proofs.
func (proofsJSON) Close() error { return nil }

// Proof implements Proofs.
func (j proofsJSON) Proof(p Proof) error {
	out := proofJSON{Protocol: Protocol, Name: p.Name, Claim: p.Claim, More: []counterexampleJSON{}, Open: append([]string{}, p.Open...)}
	if p.Verdict() != policy.Unknown {
		out.Proven = &p.Proven
	}
	for i, s := range p.Shown {
		c := counterexampleJSON{s.Counterexample, s.Others, []nearJSON{}}
		for _, f := range s.Decision.Findings {
			for _, n := range f.Nearest {
				c.Nearest = append(c.Nearest, nearJSON{newPosition(n.At), n.Why, newFault(s.Decision, f, n)})
			}
		}
		if i == 0 {
			out.Counterexample = &c
		} else {
			out.More = append(out.More, c)
		}
	}
	return safetext.NewEncoder(j.w).Encode(out)
}

// proofsHTML is a page of claims: a table of all, and below it what shows that some are not so.
type proofsHTML struct {
	HTML
	proofs []Proof
}

// Proof implements Proofs.
func (h *proofsHTML) Proof(p Proof) error {
	h.proofs = append(h.proofs, p)
	return nil
}

var proofSigns = map[policy.Verdict][2]string{policy.Allow: {"✓ proven", "good"}, policy.Unknown: {"? not decided", "open"}, policy.ImplicitDeny: {"✗ not so", "bad"}}

// Close implements Proofs.
func (h *proofsHTML) Close() error {
	p := &h.page
	holds := 0
	for _, one := range h.proofs {
		if one.Verdict() == policy.Allow {
			holds++
		}
	}
	const title = "What is so of every session"
	p.begin(title)
	p.f("<h1>" + title + "</h1>\n")
	class, text := "good", fmt.Sprintf("%d of %d claims are proven", holds, len(h.proofs))
	if holds < len(h.proofs) {
		class = "bad"
	}
	p.f("<p class=\"%s\"><b>%s</b></p>\n", class, text)
	p.f("<table>\n<thead><tr><th scope=\"col\">claim</th><th scope=\"col\">answer</th></tr></thead>\n<tbody>\n")
	for _, one := range h.proofs {
		sign := proofSigns[one.Verdict()]
		p.f("<tr><th scope=\"row\">%s", one.title())
		if one.Name != "" {
			p.f("<br><span class=\"quiet\">%s</span>", one.Claim)
		}
		p.f("</th><td data-of=\"answer\"><span class=\"%s\">%s</span></td></tr>\n", sign[1], sign[0])
	}
	p.f("</tbody>\n</table>\n")
	for _, one := range h.proofs {
		if one.Verdict() != policy.Allow {
			h.detail(one)
		}
	}
	return p.end()
}

// detail writes what there is to say of a claim that is not proven.
func (h *proofsHTML) detail(one Proof) {
	p := &h.page
	sign := proofSigns[one.Verdict()]
	p.f("<h2><span class=\"%s\">%s</span>: %s</h2>\n", sign[1], sign[0], one.title())
	if len(one.Open) > 0 {
		p.f("<p>What stands in the way:</p>\n<ul>\n")
		for _, what := range one.Open {
			p.f("<li>%s</li>\n", what)
		}
		p.f("</ul>\n")
	}
	for i, s := range one.Shown {
		p.f("<dl>\n")
		for _, r := range s.rows() {
			p.f("<dt>%s</dt><dd>%s</dd>\n", r.label, r.text)
		}
		p.f("</dl>\n")
		const policyWidth = 80
		h.about(About{Excerpts: s.excerpts(one.Shown[:i], policyWidth)})
	}
}
