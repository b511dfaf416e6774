package account

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/sandbox/world"
)

var ssmOperations = map[string]handler{
	"StartSession":                startSession,
	"ResumeSession":               resumeSession,
	"TerminateSession":            terminateSession,
	"DescribeSessions":            describeSessions,
	"DescribeInstanceInformation": describeInstanceInformation,
	"GetConnectionStatus":         getConnectionStatus,
	"GetDocument":                 getDocument,
	"DescribeDocument":            describeDocument,
	"ListDocuments":               listDocuments,
	"ListTagsForResource":         listTagsForResource,
}

var (
	documentNameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9_\-.:/]+$`) })
	prefixForm       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^A-Za-z0-9_.@=+,-]`) })
)

type jsonTag struct{ Key, Value string }

func jsonTags(tags map[string]string) []jsonTag {
	all := []jsonTag{}
	for _, k := range sortedKeys(tags) {
		all = append(all, jsonTag{k, tags[k]})
	}
	return all
}

// seconds is a time as JSON services write it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

type jsonFilter struct {
	Key, Value    string
	Values        []string
	LowerKey      string   `json:"key"`
	LowerValue    string   `json:"value"`
	LowerValueSet []string `json:"valueSet"`
}

type listInput struct {
	State                         string
	MaxResults                    int
	NextToken                     string
	Filters                       []jsonFilter
	DocumentFilterList            []jsonFilter
	InstanceInformationFilterList []jsonFilter
}

// pairs are the filters of a request in whichever of the forms they came.
func (in listInput) pairs() map[string][]string {
	all := make(map[string][]string)
	for _, f := range slices.Concat(in.Filters, in.DocumentFilterList, in.InstanceInformationFilterList) {
		values := slices.Concat(f.Values, f.LowerValueSet)
		if v := orElse(f.Value, f.LowerValue); v != "" {
			values = append(values, v)
		}
		all[orElse(f.Key, f.LowerKey)] = values
	}
	return all
}

func badToken() *fault { return refuse("InvalidNextToken", "The specified token isn't valid.") }

type sessionJSON struct {
	SessionID    string `json:"SessionId"`
	Target       string
	Status       string
	StartDate    float64
	EndDate      float64 `json:",omitempty"`
	DocumentName string
	Owner        string
	Reason       string `json:",omitempty"`
	AccessType   string
}

type sessionsJSON struct {
	Sessions  []sessionJSON
	NextToken string `json:",omitempty"`
}

func describeSessions(c *call) (any, error) {
	var in listInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.authorize("ssm:DescribeSessions", anything); err != nil {
		return nil, err
	}
	all, filters := []sessionJSON{}, in.pairs()
	for _, s := range slices.Backward(c.sessions) {
		x := sessionJSON{SessionID: s.id, Target: s.target, Status: "Connected", StartDate: seconds(s.started), DocumentName: s.document, Owner: s.owner, Reason: s.reason, AccessType: "Standard"}
		if !s.ended.IsZero() {
			x.Status, x.EndDate = "Terminated", seconds(s.ended)
		}
		fields := map[string]string{"Target": x.Target, "Owner": x.Owner, "Status": x.Status, "SessionId": x.SessionID, "AccessType": x.AccessType}
		keep := s.region == c.region && s.ended.IsZero() == (in.State != "History")
		for k, v := range filters {
			keep = keep && (slices.Contains(v, fields[k]) || strings.HasPrefix(k, "Invoked"))
		}
		if keep {
			all = append(all, x)
		}
	}
	part, next, ok := page(all, in.NextToken, pageSize(in.MaxResults, 200, 200))
	if !ok {
		return nil, badToken()
	}
	return sessionsJSON{part, next}, nil
}

type nodeJSON struct {
	InstanceID       string `json:"InstanceId"`
	PingStatus       string
	LastPingDateTime float64
	AgentVersion     string
	IsLatestVersion  bool
	PlatformType     string
	PlatformName     string
	PlatformVersion  string
	ResourceType     string
	IPAddress        string `json:",omitempty"`
	ComputerName     string
	IamRole          string `json:",omitempty"`
}

type nodesJSON struct {
	InstanceInformationList []nodeJSON
	NextToken               string `json:",omitempty"`
}

func describeInstanceInformation(c *call) (any, error) {
	var in listInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.authorize("ssm:DescribeInstanceInformation", anything); err != nil {
		return nil, err
	}
	all := []nodeJSON{}
	for _, n := range c.world.Nodes {
		if n.Ping == "" || !c.holds(n) {
			continue
		}
		x := c.nodeJSON(n)
		keep, err := x.matches(in.pairs(), n.Tags)
		if err != nil {
			return nil, err
		}
		if keep {
			all = append(all, x)
		}
	}
	part, next, ok := page(all, in.NextToken, pageSize(in.MaxResults, 50, 50))
	if !ok {
		return nil, badToken()
	}
	return nodesJSON{part, next}, nil
}

func (c *call) nodeJSON(n world.Node) nodeJSON {
	kind, role := "EC2Instance", ""
	if strings.HasPrefix(n.ID, "mi-") {
		kind, role = "ManagedInstance", n.Profile
	}
	return nodeJSON{
		InstanceID: n.ID, PingStatus: n.Ping, LastPingDateTime: seconds(c.now().Add(-2 * time.Minute)), AgentVersion: n.Agent,
		PlatformType: orElse(n.Platform, "Linux"), PlatformName: "Amazon Linux", PlatformVersion: "2023",
		ResourceType: kind, IPAddress: n.PrivateIP, ComputerName: privateDNS(n, c.region), IamRole: role,
	}
}

// matches applies the filters of DescribeInstanceInformation.
func (x nodeJSON) matches(filters map[string][]string, tags map[string]string) (bool, error) {
	fields := map[string]string{
		"InstanceIds": x.InstanceID, "PingStatus": x.PingStatus, "AgentVersion": x.AgentVersion,
		"PlatformTypes": x.PlatformType, "ResourceType": x.ResourceType, "IamRole": x.IamRole,
	}
	for k, values := range filters {
		tag, isTag := strings.CutPrefix(k, "tag:")
		field, known := fields[k]
		switch {
		case isTag && !slices.Contains(values, tags[tag]), known && !slices.Contains(values, field):
			return false, nil
		case k == "tag-key" && !slices.ContainsFunc(values, func(v string) bool { _, ok := tags[v]; return ok }):
			return false, nil
		case !isTag && !known && k != "tag-key":
			return false, refuse("InvalidFilterKey", "The specified filter key isn't valid.")
		}
	}
	return true, nil
}

type connectionJSON struct{ Target, Status string }

func getConnectionStatus(c *call) (any, error) {
	var in connectionJSON
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	arn, _ := c.targetARN(c.region, in.Target)
	if err := c.authorize("ssm:GetConnectionStatus", tagged(orElse(arn, "*"), c.targetTags(in.Target), ssmTags)); err != nil {
		return nil, err
	}
	in.Status = "notconnected"
	if _, ok := c.reachable(in.Target); ok {
		in.Status = "connected"
	}
	return in, nil
}

type documentInput struct{ Name, DocumentVersion string }

// documentFor authorizes the call's own action on a document and finds it.
func (c *call) documentFor() (*world.Document, error) {
	var in documentInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !validDocumentName(in.Name) {
		return nil, validation(in.Name, "name", `Member must satisfy regular expression pattern: ^[a-zA-Z0-9_\-.:/]{3,128}$`)
	}
	if err := c.authorize("ssm:"+c.operation, c.documentObject(in.Name)); err != nil {
		return nil, err
	}
	d := c.document(in.Name)
	if d == nil {
		return nil, refuse("InvalidDocument", "Document with name %s does not exist.", in.Name)
	}
	return d, nil
}

type documentJSON struct {
	Name, DocumentVersion, Status, Content, DocumentType, DocumentFormat string
}

func getDocument(c *call) (any, error) {
	d, err := c.documentFor()
	if err != nil {
		return nil, err
	}
	return documentJSON{d.Name, "1", "Active", d.Content, documentType(d), "JSON"}, nil
}

type parameterJSON struct {
	Name, Type, Description string
	DefaultValue            string `json:",omitempty"`
}

type documentDescription struct {
	Name, Owner, Status, DocumentVersion, LatestVersion, DefaultVersion string
	Description, DocumentType, SchemaVersion, DocumentFormat            string
	Hash, HashType                                                      string
	PlatformTypes                                                       []string
	Parameters                                                          []parameterJSON
	Tags                                                                []jsonTag
	Category                                                            []string `json:",omitempty"`
}

func (c *call) describeDocument(d *world.Document) documentDescription {
	content, err := parseContent(d.Content)
	if err != nil {
		c.log.Warn("document without readable content", "document", d.Name, "error", err)
	}
	sum := sha256.Sum256([]byte(d.Content))
	x := documentDescription{
		Name: d.Name, Owner: documentOwner(d, c.world), Status: "Active", DocumentVersion: "1", LatestVersion: "1", DefaultVersion: "1",
		Description: content.Description, DocumentType: documentType(d), SchemaVersion: orElse(content.SchemaVersion, "1.0"), DocumentFormat: "JSON",
		Hash: hex.EncodeToString(sum[:]), HashType: "Sha256", PlatformTypes: []string{"Windows", "Linux", "MacOS"},
		Tags: jsonTags(d.Tags), Category: d.Category,
	}
	if ownedByAWS(d.Name) {
		x.Owner = "Amazon"
	}
	for _, name := range sortedKeys(content.Parameters) {
		p := content.Parameters[name]
		text, _ := p.Default.(string)
		x.Parameters = append(x.Parameters, parameterJSON{name, p.Type, p.Description, text})
	}
	return x
}

func describeDocument(c *call) (any, error) {
	d, err := c.documentFor()
	if err != nil {
		return nil, err
	}
	return struct{ Document documentDescription }{c.describeDocument(d)}, nil
}

type documentsAnswer struct {
	DocumentIdentifiers []documentDescription
	NextToken           string `json:",omitempty"`
}

func listDocuments(c *call) (any, error) {
	var in listInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.authorize("ssm:ListDocuments", anything); err != nil {
		return nil, err
	}
	all, filters := []documentDescription{}, in.pairs()
	for _, d := range slices.Concat(awsDocuments(), c.world.Documents) {
		if !ownedByAWS(d.Name) && orElse(d.Region, c.world.Region) != c.region {
			continue
		}
		x := c.describeDocument(&d)
		if keepDocument(x, filters, c.world.Account) {
			all = append(all, x)
		}
	}
	part, next, ok := page(all, in.NextToken, pageSize(in.MaxResults, 50, 50))
	if !ok {
		return nil, badToken()
	}
	return documentsAnswer{part, next}, nil
}

func keepDocument(x documentDescription, filters map[string][]string, account string) bool {
	for k, values := range filters {
		var ok bool
		switch k {
		case "Name":
			ok = slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(x.Name, v) })
		case "DocumentType":
			ok = slices.Contains(values, x.DocumentType)
		case "Owner":
			ok = slices.Contains(values, x.Owner) || x.Owner == account && slices.Contains(values, "Self") || slices.Contains(values, "All")
		default:
			ok = true
		}
		if !ok {
			return false
		}
	}
	return true
}

type tagsInput struct {
	ResourceType string
	ResourceID   string `json:"ResourceId"`
}

func listTagsForResource(c *call) (any, error) {
	var in tagsInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	var on object
	var tags map[string]string
	known := false
	switch in.ResourceType {
	case "Document":
		on = c.documentObject(in.ResourceID)
		if d := c.document(in.ResourceID); d != nil {
			tags, known = d.Tags, true
		}
	case "ManagedInstance":
		on = tagged(c.arn("ssm", c.region, "managed-instance/"+in.ResourceID), c.targetTags(in.ResourceID), ssmTags)
		if n := c.node(in.ResourceID); n != nil && strings.HasPrefix(n.ID, "mi-") {
			tags, known = n.Tags, true
		}
	default:
		return nil, refuse("InvalidResourceType", "The resource type %s isn't valid.", in.ResourceType)
	}
	if err := c.authorize("ssm:ListTagsForResource", on); err != nil {
		return nil, err
	}
	if !known {
		return nil, refuse("InvalidResourceId", "The resource ID %s isn't valid.", in.ResourceID)
	}
	return struct{ TagList []jsonTag }{jsonTags(tags)}, nil
}

// validDocumentName tells whether a document may be called so.
func validDocumentName(name string) bool {
	return len(name) >= 3 && len(name) <= 128 && documentNameForm().MatchString(name)
}
