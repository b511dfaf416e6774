package account

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// tokenPolicy is AWS's managed policy AWSSystemsManagerJustInTimeAccessTokenPolicy, version
// 6 of 2026-02-12, abridged.
const tokenPolicy = `{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:managed-instance/*","arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"]},
{"Effect":"Allow","Action":["ssm:TerminateSession","ssm:ResumeSession","ssmmessages:OpenDataChannel"],"Resource":"arn:aws:ssm:*:*:session/*"},
{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:managed-instance/*","arn:aws:ssm:*:*:document/AWS-StartPortForwardingSession"],
"Condition":{"StringEquals":{"aws:CalledViaFirst":"ssm-guiconnect.amazonaws.com"}}}]}`

// tokenRole is whose sessions the credentials of an access request are here. How AWS
// names that caller is not documented.
const tokenRole = "sandbox-access-token"

// ofAccessToken reports whether a caller's credentials are those of an access request.
func ofAccessToken(arn string) bool { return strings.Contains(arn, ":assumed-role/"+tokenRole+"/") }

const tokenLife = time.Hour

var accessRequestForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^oi-[0-9a-f]{12}$`) })

func accessRequestARN(c *api.Request, id string) string { return c.ARN("ssm", c.Region, "opsitem/"+id) }

type accessRequestAnswer struct {
	AccessRequestID string `json:"AccessRequestId"`
}

// startAccessRequest takes one node by its id. Every request is approved at once, as
// under a policy that approves by itself: a world has nobody to approve.
func startAccessRequest(c *api.Request) (any, error) {
	var in struct {
		Reason  string
		Targets []struct {
			Key    string
			Values []string
		}
		Tags []jsonTag
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	switch {
	case in.Reason == "" || len(in.Reason) > 256:
		return nil, validation(in.Reason, "reason", "Member must have length between 1 and 256")
	case len(in.Targets) != 1 || in.Targets[0].Key != "InstanceIds" || len(in.Targets[0].Values) != 1:
		return nil, validation("...", "targets", "Member must name one node by its InstanceIds")
	}
	target := in.Targets[0].Values[0]
	arn, kind := c.TargetARN(c.Region, target)
	on := api.Tagged(arn, targetTags(c, target), api.SSMTags)
	for _, tag := range in.Tags {
		on.Keys["aws:RequestTag/"+tag.Key] = tag.Value
	}
	if err := c.Authorize("ssm:StartAccessRequest", on); err != nil {
		return nil, err
	}
	if kind == "" || node(c, target) == nil {
		return nil, api.Refuse("ResourceNotFoundException", "Node %s does not exist", target)
	}
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails
	r := &api.AccessRequest{ID: "oi-" + hex.EncodeToString(id[:]), Target: target, Region: c.Region}
	if len(in.Tags) > 0 {
		if err := c.Authorize("ssm:AddTagsToResource", api.Object{ARN: accessRequestARN(c, r.ID)}); err != nil {
			return nil, err
		}
	}
	c.AccessRequests = append(c.AccessRequests, r)
	return accessRequestAnswer{r.ID}, nil
}

type accessToken struct {
	AccessRequestStatus string
	Credentials         *tokenCredentials `json:",omitempty"`
}

type tokenCredentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	ExpirationTime  float64
}

// getAccessToken hands out the credentials of an approved request, which reach its node
// alone.
func getAccessToken(c *api.Request) (any, error) {
	var in accessRequestAnswer
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if !accessRequestForm().MatchString(in.AccessRequestID) {
		return nil, validation(in.AccessRequestID, "accessRequestId", "Member must satisfy regular expression pattern: ^(oi)-[0-9a-f]{12}$")
	}
	if err := c.Authorize("ssm:GetAccessToken", api.Object{ARN: accessRequestARN(c, in.AccessRequestID)}); err != nil {
		return nil, err
	}
	for _, r := range c.AccessRequests {
		if r.ID == in.AccessRequestID && r.Region == c.Region {
			who, err := tokenCaller(c, r)
			if err != nil {
				return nil, err
			}
			return accessToken{"Approved", &tokenCredentials{who.AccessKeyID, who.Credentials.SecretAccessKey, who.Credentials.SessionToken, seconds(who.Expires)}}, nil
		}
	}
	return nil, api.Refuse("ResourceNotFoundException", "Access request %s does not exist", in.AccessRequestID)
}

// tokenCaller enters the session of a role that nobody made, with AWS's policy for it and
// a session policy that leaves one node.
func tokenCaller(c *api.Request, r *api.AccessRequest) (*api.Caller, error) {
	arn, _ := c.TargetARN(r.Region, r.Target)
	who := &api.Caller{
		Kind: api.TypeRole, Name: tokenRole, Principal: c.IAMARN("role/" + tokenRole), UserID: "AROASANDBOXACCESSTOKE:" + r.ID, SessionID: r.ID,
		Temporary: true, Bounded: true,
		Session: []api.Source{
			{Key: "access token", Layer: api.LayerIdentity, ARN: "arn:aws:iam::aws:policy/AWSSystemsManagerJustInTimeAccessTokenPolicy", ID: "AWSSystemsManagerJustInTimeAccessTokenPolicy", Kind: "aws-managed", Text: tokenPolicy},
			{Key: "access token session", Layer: api.LayerSession, Text: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"ssm:StartSession","Resource":"*"},
				{"Effect":"Allow","Action":"ssm:StartSession","Resource":["` + arn + `","arn:aws:ssm:*:*:document/*"]}]}`},
		},
	}
	for i := range who.Session {
		if err := c.Parse(&who.Session[i]); err != nil {
			return nil, err
		}
	}
	who.ARN = who.PrincipalARN(c.World)
	c.Sign(who, world.Login{}, tokenLife)
	return who, nil
}
