package account

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

var ssmOperations = map[string]api.Handler{
	"StartSession":                startSession,
	"ResumeSession":               resumeSession,
	"TerminateSession":            terminateSession,
	"StartAccessRequest":          startAccessRequest,
	"GetAccessToken":              getAccessToken,
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
	for _, k := range api.SortedKeys(tags) {
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

// pairs returns the filters of a request, of each of the two forms.
func (in listInput) pairs() map[string][]string {
	all := make(map[string][]string)
	for _, f := range slices.Concat(in.Filters, in.DocumentFilterList, in.InstanceInformationFilterList) {
		values := slices.Concat(f.Values, f.LowerValueSet)
		if v := api.OrElse(f.Value, f.LowerValue); v != "" {
			values = append(values, v)
		}
		all[api.OrElse(f.Key, f.LowerKey)] = values
	}
	return all
}

func badToken() *api.Refusal {
	return api.Refuse("InvalidNextToken", "The specified token isn't valid.")
}

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

func describeSessions(c *api.Request) (any, error) {
	var in listInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := c.Authorize("ssm:DescribeSessions", api.Anything); err != nil {
		return nil, err
	}
	all, filters := []sessionJSON{}, in.pairs()
	for _, s := range slices.Backward(c.Sessions) {
		x := sessionJSON{SessionID: s.ID, Target: s.Target, Status: "Connected", StartDate: seconds(s.Started), DocumentName: s.Document, Owner: s.Owner, Reason: s.Reason, AccessType: "Standard"}
		if ofAccessToken(s.Owner) {
			x.AccessType = "JustInTime"
		}
		if !s.Ended.IsZero() {
			x.Status, x.EndDate = "Terminated", seconds(s.Ended)
		}
		fields := map[string]string{"Target": x.Target, "Owner": x.Owner, "Status": x.Status, "SessionId": x.SessionID, "AccessType": x.AccessType}
		keep := s.Region == c.Region && s.Ended.IsZero() == (in.State != "History")
		for k, v := range filters {
			keep = keep && (slices.Contains(v, fields[k]) || strings.HasPrefix(k, "Invoked"))
		}
		if keep {
			all = append(all, x)
		}
	}
	part, next, ok := api.Page(all, in.NextToken, api.PageSize(in.MaxResults, 200, 200))
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

func describeInstanceInformation(c *api.Request) (any, error) {
	var in listInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := c.Authorize("ssm:DescribeInstanceInformation", api.Anything); err != nil {
		return nil, err
	}
	all := []nodeJSON{}
	for _, n := range c.World.Nodes {
		if n.Ping == "" || !holds(c, n) {
			continue
		}
		x := nodeOf(c, n)
		settle(c, n.ID)
		keep, err := x.matches(in.pairs(), n.Tags)
		if err != nil {
			return nil, err
		}
		if keep {
			all = append(all, x)
		}
	}
	part, next, ok := api.Page(all, in.NextToken, api.PageSize(in.MaxResults, 50, 50))
	if !ok {
		return nil, badToken()
	}
	return nodesJSON{part, next}, nil
}

func nodeOf(c *api.Request, n world.Node) nodeJSON {
	kind, role := "EC2Instance", ""
	if strings.HasPrefix(n.ID, "mi-") {
		kind, role = "ManagedInstance", n.Profile
	}
	return nodeJSON{
		InstanceID: n.ID, PingStatus: n.Ping, LastPingDateTime: seconds(c.Now().Add(-2 * time.Minute)), AgentVersion: n.Agent,
		PlatformType: api.OrElse(n.Platform, "Linux"), PlatformName: "Amazon Linux", PlatformVersion: "2023",
		ResourceType: kind, IPAddress: n.PrivateIP, ComputerName: privateDNS(n, c.Region), IamRole: role,
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
			return false, api.Refuse("InvalidFilterKey", "The specified filter key isn't valid.")
		}
	}
	return true, nil
}

type connectionJSON struct{ Target, Status string }

func getConnectionStatus(c *api.Request) (any, error) {
	var in connectionJSON
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	arn, _ := c.TargetARN(c.Region, in.Target)
	if err := c.Authorize("ssm:GetConnectionStatus", api.Tagged(api.OrElse(arn, "*"), targetTags(c, in.Target), api.SSMTags)); err != nil {
		return nil, err
	}
	in.Status = "notconnected"
	if _, ok := reachable(c, in.Target); ok {
		in.Status = "connected"
	}
	return in, nil
}

type documentInput struct{ Name, DocumentVersion string }

// documentFor authorizes the call's own action on a document and finds it.
func documentFor(c *api.Request) (*world.Document, error) {
	var in documentInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if !validDocumentName(in.Name) {
		return nil, validation(in.Name, "name", `Member must satisfy regular expression pattern: ^[a-zA-Z0-9_\-.:/]{3,128}$`)
	}
	if err := c.Authorize("ssm:"+c.Operation, documentObject(c, in.Name)); err != nil {
		return nil, err
	}
	d := findDocument(c, in.Name)
	if d == nil {
		return nil, api.Refuse("InvalidDocument", "Document with name %s does not exist.", in.Name)
	}
	return d, nil
}

type documentJSON struct {
	Name, DocumentVersion, Status, Content, DocumentType, DocumentFormat string
}

func getDocument(c *api.Request) (any, error) {
	d, err := documentFor(c)
	if err != nil {
		return nil, err
	}
	return documentJSON{d.Name, "1", "Active", d.Content, documentType(d), "JSON"}, nil
}

type parameterJSON struct {
	Name, Type, Description string
	DefaultValue            string `json:",omitempty"`
}

// documentDescription is written with all the members that AWS's answer has.
type documentDescription struct {
	Name, Owner, Status, DocumentVersion, LatestVersion, DefaultVersion string
	Description, DocumentType, SchemaVersion, DocumentFormat            string
	Hash, HashType                                                      string
	PlatformTypes                                                       []string
	Parameters                                                          []parameterJSON
	Tags                                                                []jsonTag
	Category                                                            []string `json:",omitempty"`
}

func descriptionOf(c *api.Request, d *world.Document) documentDescription {
	content, err := parseContent(d.Content)
	if err != nil {
		c.Log.Warn("document without readable content", "document", d.Name, "error", err)
	}
	sum := sha256.Sum256([]byte(d.Content))
	x := documentDescription{
		Name: d.Name, Owner: documentOwner(d, c.World), Status: "Active", DocumentVersion: "1", LatestVersion: "1", DefaultVersion: "1",
		Description: content.Description, DocumentType: documentType(d), SchemaVersion: api.OrElse(content.SchemaVersion, "1.0"), DocumentFormat: "JSON",
		Hash: hex.EncodeToString(sum[:]), HashType: "Sha256", PlatformTypes: []string{"Windows", "Linux", "MacOS"},
		Tags: jsonTags(d.Tags), Category: d.Category,
	}
	if api.OwnedByAWS(d.Name) {
		x.Owner = "Amazon"
	}
	for _, name := range api.SortedKeys(content.Parameters) {
		p := content.Parameters[name]
		text, _ := p.Default.(string)
		x.Parameters = append(x.Parameters, parameterJSON{name, p.Type, p.Description, text})
	}
	return x
}

func describeDocument(c *api.Request) (any, error) {
	d, err := documentFor(c)
	if err != nil {
		return nil, err
	}
	return struct{ Document documentDescription }{descriptionOf(c, d)}, nil
}

type documentsAnswer struct {
	DocumentIdentifiers []documentDescription
	NextToken           string `json:",omitempty"`
}

func listDocuments(c *api.Request) (any, error) {
	var in listInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := c.Authorize("ssm:ListDocuments", api.Anything); err != nil {
		return nil, err
	}
	all, filters := []documentDescription{}, in.pairs()
	for _, d := range slices.Concat(awsDocuments(), c.World.Documents) {
		if !api.OwnedByAWS(d.Name) && api.OrElse(d.Region, c.World.Region) != c.Region {
			continue
		}
		x := descriptionOf(c, &d)
		if keepDocument(x, filters, c.World.Account) {
			all = append(all, x)
		}
	}
	part, next, ok := api.Page(all, in.NextToken, api.PageSize(in.MaxResults, 50, 50))
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

func listTagsForResource(c *api.Request) (any, error) {
	var in tagsInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var on api.Object
	var tags map[string]string
	known := false
	switch in.ResourceType {
	case "Document":
		on = documentObject(c, in.ResourceID)
		if d := findDocument(c, in.ResourceID); d != nil {
			tags, known = d.Tags, true
		}
	case "ManagedInstance":
		on = api.Tagged(c.ARN("ssm", c.Region, "managed-instance/"+in.ResourceID), targetTags(c, in.ResourceID), api.SSMTags)
		if n := node(c, in.ResourceID); n != nil && strings.HasPrefix(n.ID, "mi-") {
			tags, known = n.Tags, true
		}
	default:
		return nil, api.Refuse("InvalidResourceType", "The resource type %s isn't valid.", in.ResourceType)
	}
	if err := c.Authorize("ssm:ListTagsForResource", on); err != nil {
		return nil, err
	}
	if !known {
		return nil, api.Refuse("InvalidResourceId", "The resource ID %s isn't valid.", in.ResourceID)
	}
	return struct{ TagList []jsonTag }{jsonTags(tags)}, nil
}

// validDocumentName reports whether a document may have this name.
func validDocumentName(name string) bool {
	return len(name) >= 3 && len(name) <= 128 && documentNameForm().MatchString(name)
}
