package who

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/reach"
	"ssmguard/internal/safetext"
)

// inventory is what sessions are started on, and with.
type inventory struct {
	nodes     []node
	documents []reach.Document
	at        map[string]int // of nodes, by id
	missing   []string
	others    map[string]string // documents of other types, by name
}

// node is a target with its name.
type node struct {
	reach.Target
	name string
}

func newInventory() *inventory {
	return &inventory{at: make(map[string]int), others: make(map[string]string)}
}

// tag is a tag as EC2 and Systems Manager write it.
type tag struct{ Key, Value string }

func tags(all []tag) map[string]string {
	m := make(map[string]string, len(all))
	for _, t := range all {
		m[strings.Clone(t.Key)] = strings.Clone(t.Value)
	}
	return m
}

// add takes a node. What EC2 says of it wins, as it has the tags.
func (v *inventory) add(n node) {
	at, ok := v.at[n.ID]
	switch {
	case !ok:
		v.at[n.ID] = len(v.nodes)
		v.nodes = append(v.nodes, n)
	case v.nodes[at].Untold && !n.Untold:
		n.Region = cmp.Or(n.Region, v.nodes[at].Region)
		v.nodes[at] = n
	}
}

// nodeLists are the lists of "aws ec2 describe-instances" and of "aws ssm
// describe-instance-information".
func (v *inventory) nodeLists(region string) map[string]func(*json.Decoder) error {
	wrong := func(what string) func(error) {
		return func(err error) { v.miss(safetext.Sprintf("%s: %v", what, err)) }
	}
	type reservation struct {
		Instances []struct {
			InstanceID string `json:"InstanceId"`
			State      struct{ Name string }
			Placement  struct{ AvailabilityZone string }
			Tags       []tag
		}
	}
	type registered struct {
		InstanceID string `json:"InstanceId"`
		Name       string
	}
	return map[string]func(*json.Decoder) error{
		"Reservations": element(func(r reservation) {
			for _, i := range r.Instances {
				if i.InstanceID == "" {
					v.miss("an instance without an id")
				} else if awsiam.Running(i.State.Name) {
					n := node{reach.Target{ID: i.InstanceID, Region: cmp.Or(regionOf(i.Placement.AvailabilityZone), region), Tags: tags(i.Tags)}, ""}
					n.name = n.Tags["Name"]
					v.add(n)
				}
			}
		}, wrong("an instance")),
		"InstanceInformationList": element(func(r registered) {
			if r.InstanceID == "" {
				v.miss("a managed node without an id")
				return
			}
			v.add(node{reach.Target{ID: r.InstanceID, Region: region, Untold: true}, r.Name})
		}, wrong("a managed node")),
	}
}

// documentLists are the lists of "aws ssm list-documents".
func (v *inventory) documentLists() map[string]func(*json.Decoder) error {
	type identifier struct {
		Name, Owner, DocumentType string
		Tags                      []tag
	}
	return map[string]func(*json.Decoder) error{
		"DocumentIdentifiers": element(func(d identifier) {
			switch {
			case d.Name == "":
				v.miss("a document without a name")
			case d.DocumentType != "" && d.DocumentType != sessionType:
				v.others[d.Name] = d.DocumentType
			default:
				v.document(reach.Document{Name: d.Name, Owner: d.Owner, Type: d.DocumentType, Tags: tags(d.Tags)})
			}
		}, func(err error) { v.miss(safetext.Sprintf("a document: %v", err)) }),
	}
}

// sessionType is the type of documents that sessions are started with.
const sessionType = "Session"

// document takes a document.
func (v *inventory) document(d reach.Document) {
	if d.Name == guard.DefaultDocument {
		d.Name = "" // as a request without a name has it
	}
	if !slices.ContainsFunc(v.documents, func(other reach.Document) bool { return other.Name == d.Name }) {
		v.documents = append(v.documents, d)
	}
}

// known adds the documents that every account has. Whether the account's own, which need not
// exist, has tags is not known where not all documents are.
func (v *inventory) known(all bool) {
	for _, name := range guard.KnownDocuments {
		v.document(reach.Document{Name: name, Untold: name == "" && !all})
	}
	slices.SortStableFunc(v.documents, func(a, b reach.Document) int { return cmp.Compare(shownDocument(a.Name), shownDocument(b.Name)) })
}

func shownDocument(name string) string { return cmp.Or(name, guard.DefaultDocument) }

func (v *inventory) miss(what string) {
	if !slices.Contains(v.missing, what) {
		v.missing = append(v.missing, what)
	}
}

// regionOf returns the region of an availability zone, or of a local zone: the longest name of a
// region that it begins with. docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
func regionOf(zone string) (region string) {
	for _, r := range guard.AllRegions() {
		if strings.HasPrefix(zone, r) && len(r) > len(region) {
			region = r
		}
	}
	return region
}
