package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/reach"
	"ssmguard/internal/safetext"
)

// reachJSON writes one object, an answer a line, as schema/reach.schema.json describes it.
type reachJSON struct {
	w     io.Writer
	reach *Reach
	some  bool // an answer was written
	err   error
}

type reachPrincipalJSON struct {
	Principal string   `json:"principal"`
	Trusts    []string `json:"trusts"`
	Unread    []string `json:"unread"`
}

type reachTargetJSON struct {
	Target string            `json:"target"`
	Name   string            `json:"name"`
	Region string            `json:"region"`
	Tags   map[string]string `json:"tags"` // null where they are not known
}

type reachAnswerJSON struct {
	Verdict    string            `json:"verdict"`
	Principals []string          `json:"principals"`
	Targets    []string          `json:"targets"`
	Documents  []string          `json:"documents"`
	Region     string            `json:"region"`
	Because    []reachReasonJSON `json:"because"`
	Lacking    []string          `json:"lacking"`
	Open       []string          `json:"open"`
}

type reachReasonJSON struct {
	Grant     string `json:"grant"`
	Layer     string `json:"layer"`
	Policy    string `json:"policy"`
	Statement int    `json:"statement"`
	Sid       string `json:"sid"`
}

func newReachJSON(w io.Writer, r *Reach) *reachJSON {
	j := &reachJSON{w: w, reach: r}
	account := ""
	if len(r.Account.Principals) > 0 {
		account = r.Account.Principals[0].Caller.Account
	}
	j.f("{\"protocol\":%s,\"account\":%s,\n\"principals\":[", Protocol, account)
	for i := range r.Account.Principals {
		p := r.People[i]
		j.item(i > 0, reachPrincipalJSON{r.Account.Principals[i].Caller.Principal, list(p.Trusts), list(p.Unread)})
	}
	j.f("],\n\"targets\":[")
	for i, t := range r.Account.Targets {
		tags := t.Tags
		switch {
		case t.Untold:
			tags = nil
		case tags == nil:
			tags = map[string]string{}
		}
		name := ""
		if i < len(r.Names) {
			name = r.Names[i]
		}
		j.item(i > 0, reachTargetJSON{t.ID, name, t.Region, tags})
	}
	j.f("],\n\"documents\":[")
	for i := range r.Account.Documents {
		j.item(i > 0, r.document(i))
	}
	j.f("],\n\"answers\":[")
	return j
}

// f writes values as JSON into a form of ours.
func (j *reachJSON) f(format string, values ...any) {
	args := make([]any, len(values))
	for i, v := range values {
		text, err := json.Marshal(v)
		if err != nil && j.err == nil {
			j.err = err
		}
		args[i] = safetext.Own(safetext.JSON(text))
	}
	if j.err == nil {
		_, j.err = safetext.Fprintf(j.w, format, args...)
	}
}

// item writes an element of a list, on a line of its own.
func (j *reachJSON) item(further bool, v any) {
	if further {
		j.f(",\n%s", v)
	} else {
		j.f("\n%s", v)
	}
}

// list is a list that is no null in JSON.
func list(all []string) []string { return append([]string{}, all...) }

func (j *reachJSON) group(reach.Group) error { return j.err }

func (j *reachJSON) answer(a reachAnswer) error {
	out := reachAnswerJSON{Verdict: verdictWord(a.verdict), Region: a.region, Because: []reachReasonJSON{}, Lacking: []string{}, Open: list(a.open)}
	for _, p := range a.principals {
		out.Principals = append(out.Principals, j.reach.Account.Principals[p].Caller.Principal)
	}
	for _, t := range a.targets {
		out.Targets = append(out.Targets, j.reach.Account.Targets[t].ID)
	}
	for _, d := range a.documents {
		out.Documents = append(out.Documents, j.reach.document(d))
	}
	for _, b := range a.because {
		out.Because = append(out.Because, reachReasonJSON{b.grant, b.layer.String(), b.policy, b.at.Index + 1, b.at.Sid})
	}
	for _, k := range a.lacking {
		out.Lacking = append(out.Lacking, k.String())
	}
	j.item(j.some, out)
	j.some = true
	return j.err
}

func (j *reachJSON) close(c reachCounts) error {
	whole := c.Undecided == 0 && len(j.reach.Missing) == 0
	j.f("],\n\"counts\":%s,\n\"whole\":%s,\n\"missing\":%s,\n\"notes\":%s}\n", c, whole, list(j.reach.Missing), list(j.reach.Notes))
	return j.err
}

// verdictWord is a verdict in one word.
func verdictWord(v policy.Verdict) string {
	switch {
	case v == policy.Allow:
		return "allowed"
	case v.Denies():
		return "denied"
	}
	return "undecided"
}

// reachCSV writes a row for each session, those that are denied only if they are to be told of.
type reachCSV struct {
	w     io.Writer
	reach *Reach
	row   *csv.Writer
	buf   bytes.Buffer
	err   error
}

func newReachCSV(w io.Writer, r *Reach) *reachCSV {
	c := &reachCSV{w: w, reach: r}
	c.row = csv.NewWriter(&c.buf)
	c.err = c.row.Write([]string{"principal", "target", "name", "region", "document", "verdict", "target_by", "document_by", "turns_on"})
	return c
}

func (c *reachCSV) group(reach.Group) error { return c.flush() }

// flush writes the rows so far.
func (c *reachCSV) flush() error {
	c.row.Flush()
	if c.err == nil {
		_, c.err = c.w.Write(c.buf.Bytes())
	}
	c.buf.Reset()
	return c.err
}

func (c *reachCSV) answer(a reachAnswer) error {
	r := c.reach
	target, document := cell(statements(a.because, guard.GrantTarget)), cell(statements(a.because, guard.GrantDocument))
	open := cell(strings.Join(r.openWords(a), ", "))
	region, verdict := cell(a.region), verdictWord(a.verdict)
	for _, p := range a.principals {
		who := cell(r.Account.Principals[p].Caller.Principal)
		for _, t := range a.targets {
			name := ""
			if t < len(r.Names) {
				name = r.Names[t]
			}
			id, name := cell(r.Account.Targets[t].ID), cell(name)
			for _, d := range a.documents {
				if err := c.row.Write([]string{who, id, name, region, cell(r.document(d)), verdict, target, document, open}); err != nil {
					return err
				}
			}
			if c.buf.Len() > 1<<20 {
				if err := c.flush(); err != nil {
					return err
				}
			}
		}
	}
	return c.err
}

func (c *reachCSV) close(reachCounts) error { return c.flush() }

// cell is text of others in a table that a spreadsheet opens, in which it is no formula.
func cell(text string) string {
	text = safetext.Line(text)
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
