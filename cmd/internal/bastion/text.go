package bastion

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard/route"
)

// Row is a line of an explanation.
type Row struct {
	Label string // "" goes on with the row before
	Text  string
}

// Lines are the summary and its rows, for a terminal or a log.
func (w Way) Lines() []string {
	lines := []string{w.Summary()}
	for _, r := range w.Rows() {
		lines = append(lines, r.String())
	}
	return lines
}

// Brief is the explanation in one line, and what to do about it in another.
func (w Way) Brief() (text, do string) {
	text = w.Summary()
	var todo []string
	for _, side := range []route.Side{route.Egress, route.Ingress} {
		if w.Sides[side].Verdict == route.Blocked {
			text += "; " + w.sideText(side)
		}
	}
	for _, a := range w.Repair {
		todo = append(todo, a.Command(w.Region))
	}
	if len(todo) > 0 {
		return text, strings.Join(todo, " && ")
	}
	for _, r := range w.Rows() {
		switch r.Label {
		case needsLabel:
			todo = append(todo, "ask for "+r.Text)
		case "fix", "unread", "apart":
			todo = append(todo, r.Text)
		}
	}
	return text, strings.Join(todo, "; ")
}

// String is the row as text.
func (r Row) String() string { return fmt.Sprintf("  %-8s %s", r.Label, r.Text) }

// from is the target as people know it.
func (w Way) from() string {
	if w.Facts.From.Name != "" {
		return fmt.Sprintf("%s (%s)", w.Facts.From.Name, w.Facts.From.ID)
	}
	return w.Facts.From.ID
}

// group is a security group as people know it.
func (w Way) group(id string) string {
	if name := w.Facts.Groups[id].Name; name != "" {
		return fmt.Sprintf("%s (%s)", id, name)
	}
	return id
}

// Summary says in one line how the way is.
func (w Way) Summary() string {
	between := fmt.Sprintf("%s reach port %d of %s", w.from(), w.Facts.Port, w.Database)
	switch {
	case w.WrongPort:
		return fmt.Sprintf("%s listens on port %d, not on %d", w.Database, w.Facts.Listens[0], w.Facts.Port)
	case w.Verdict == route.Blocked:
		return "security groups do not let " + between
	case w.Verdict == route.Open && w.Status != "":
		return fmt.Sprintf("security groups let %s, which is %s", between, w.Status)
	case w.Verdict == route.Open:
		return "security groups let " + between
	}
	return "whether security groups let " + between + " cannot be told"
}

// Rows explain the summary: what each side says, what is missing, and the proven repair.
func (w Way) Rows() (rows []Row) {
	add := func(label, format string, args ...any) { rows = append(rows, Row{label, fmt.Sprintf(format, args...)}) }
	switch {
	case w.WrongPort:
		add("fix", "give --port %d, or port: %d in the tunnel's file, or no port", w.Facts.Listens[0], w.Facts.Listens[0])
		return rows
	case w.Verdict == route.Open:
		add("by", "%s", w.sideText(route.Egress))
		add("", "%s", w.sideText(route.Ingress))
		add("look at", "the database's own state, network ACLs and route tables, which were not read")
		return rows
	case w.Verdict == route.Blocked:
		add("egress", "%s", w.sideText(route.Egress))
		add("ingress", "%s", w.sideText(route.Ingress))
		for i, a := range w.Repair {
			add([]string{"fix", "and"}[min(i, 1)], "%s", a.Command(w.Region))
		}
		for i, a := range w.Repair {
			label := []string{"or", ""}[min(i, 1)]
			for line := range strings.Lines(a.Terraform(w.ruleName(a))) {
				add(label, "%s", strings.TrimSuffix(line, "\n"))
				label = ""
			}
		}
		if w.Proven {
			with := "this rule"
			if len(w.Repair) > 1 {
				with = "these rules"
			}
			add("checked", "with %s the groups let it through; network ACLs and route tables were not read", with)
			return rows
		}
		if len(w.Needs) > 0 {
			add("open", "whether that is enough cannot be told")
		}
	}
	return append(rows, w.needRows()...)
}

// ruleName is what to call a rule in Terraform.
func (w Way) ruleName(a route.Addition) string {
	from := w.Facts.From.Name
	if from == "" {
		from = w.Facts.From.ID
	}
	if a.Side == route.Egress {
		return from + "_to_" + w.Database
	}
	return w.Database + "_from_" + from
}

// sideText says what the groups of one side say.
func (w Way) sideText(side route.Side) string {
	a := w.Sides[side]
	own := w.Facts.To.Groups
	if side == route.Egress {
		own = w.Facts.From.Groups
	}
	var groups []string
	for _, id := range own {
		groups = append(groups, w.group(id))
	}
	names := strings.Join(groups, ", ")
	switch {
	case a.Verdict == route.Open && side == route.Egress:
		return fmt.Sprintf("%s lets out %s", w.group(a.By.Group), side.Text(a.By.Rule))
	case a.Verdict == route.Open:
		return fmt.Sprintf("%s lets in %s", w.group(a.By.Group), side.Text(a.By.Rule))
	case a.Verdict == route.Unknown:
		return names + ": not known"
	}
	text := fmt.Sprintf("%s: no rule lets in tcp %d from %s", names, w.Facts.Port, w.peers(side))
	if side == route.Egress {
		text = fmt.Sprintf("%s: no rule lets out tcp %d to %s", names, w.Facts.Port, w.peers(side))
	}
	if a.Near != nil {
		why := map[route.Miss]string{route.MissPort: "another port", route.MissProtocol: "another protocol", route.MissPeer: "for others"}[a.Near.Why]
		text += fmt.Sprintf("; nearest: %s (%s)", side.Text(a.Near.Rule), why)
	}
	return text
}

// peers are what rules of a side may name for the other end.
func (w Way) peers(side route.Side) string {
	other := w.Facts.From
	if side == route.Egress {
		other = w.Facts.To
	}
	all := slices.Clone(other.Groups)
	for _, a := range other.Addresses {
		all = append(all, a.String())
	}
	return strings.Join(all, ", ")
}

// needRows say what could not be read, and what would show it: all that one permission shows in
// one row.
func (w Way) needRows() (rows []Row) {
	places := make(map[string]int)
	for _, n := range w.Needs {
		label, what, why := w.needText(n)
		at, known := places[label+why]
		if !known {
			places[label+why] = len(rows)
			rows = append(rows, Row{label, why + what})
		} else if label == needsLabel && !strings.Contains(rows[at].Text, what) {
			rows[at].Text += ", " + what
		}
	}
	return rows
}

// needsLabel is the label of a permission that is missing.
const needsLabel = "needs"

// needText returns a need as a row's label, what is not known, and the text before that.
func (w Way) needText(n route.Need) (label, what, why string) {
	what = map[route.NeedKind]string{
		route.NeedFrom: "the VPC and security groups of " + w.from(), route.NeedTo: "the VPC and security groups of " + w.Database,
		route.NeedGroup: "the rules of " + n.ID, route.NeedList: "the entries of " + n.ID,
		route.NeedAddress: "the address of " + w.from(), route.NeedSubnets: "the subnets of " + w.Database,
	}[n.Kind]
	switch u, failed := w.unread[n]; {
	case failed && u.err == nil:
		return needsLabel, what, u.permission + ", for "
	case failed:
		return "unread", fmt.Sprintf(": %v", u.err), what
	}
	switch n.Kind {
	case route.NeedFrom:
		what = w.from() + " is no EC2 instance with a network interface that could be read"
	case route.NeedTo:
		what = "AWS tells no security group of " + w.Database
	case route.NeedOtherVPC:
		return "apart", fmt.Sprintf("%s is in %s, %s in %s: peering, transit gateways and route tables are not read", w.from(), w.Facts.From.VPC, w.Database, w.Facts.To.VPC), ""
	case route.NeedHost:
		what = "a rule is for some of the subnets of " + w.Database + ", and which one it is in now is not told"
	}
	return "unread", what, ""
}
