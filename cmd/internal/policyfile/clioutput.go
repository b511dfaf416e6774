package policyfile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// commandOutput is what is read of the outputs of the AWS CLI that are about one
// policy.
type commandOutput struct {
	PolicyVersion *struct{ Document json.RawMessage } // iam get-policy-version
	Policy        *struct {                           // iam get-policy, organizations describe-policy
		Arn, DefaultVersionID string
		Content               json.RawMessage
	}
	PolicyDocument json.RawMessage // iam get-role-policy, get-user-policy, get-group-policy
	InlinePolicy   json.RawMessage // sso-admin get-inline-policy-for-permission-set
	Role           *struct {       // iam get-role
		RoleName                 string
		AssumeRolePolicyDocument json.RawMessage
	}
}

func isCommandOutput(in policyInput) bool {
	for _, element := range []string{"PolicyVersion", "PolicyDocument", "InlinePolicy"} {
		if in.top[element] != nil {
			return true
		}
	}
	var nested map[string]json.RawMessage
	for element, inside := range map[string]string{"Policy": "DefaultVersionId", "Role": "AssumeRolePolicyDocument"} {
		if json.Unmarshal(in.top[element], &nested) == nil && nested[inside] != nil {
			return true
		}
	}
	return json.Unmarshal(in.top["Policy"], &nested) == nil && nested["PolicySummary"] != nil
}

func readCommandOutput(kind policy.Kind, in policyInput) (fileTexts, error) {
	var out commandOutput
	if err := json.Unmarshal(in.text, &out); err != nil {
		return fileTexts{}, fmt.Errorf("%s: %w", in.path, err)
	}
	raw := out.PolicyDocument
	switch {
	case out.PolicyVersion != nil:
		raw = out.PolicyVersion.Document
	case out.InlinePolicy != nil:
		raw = out.InlinePolicy
	case out.Policy != nil && out.Policy.Content == nil:
		return fileTexts{}, fmt.Errorf(`%s: the output of "aws iam get-policy" has no text of the policy; give that of "aws iam get-policy-version --policy-arn %s --version-id %s"`,
			in.path, safetext.Word(out.Policy.Arn), safetext.Word(out.Policy.DefaultVersionID))
	case out.Policy != nil:
		raw = out.Policy.Content
	case out.Role != nil:
		return fileTexts{}, fmt.Errorf(`%s: the output of "aws iam get-role" has the trust policy alone; give that of "aws iam get-role-policy" and "get-policy-version"`, in.path)
	}
	if len(raw) == 0 || string(raw) == "null" || string(raw) == `""` {
		return fileTexts{}, fmt.Errorf("%s: no text of a policy in this output", in.path)
	}
	text := in.policyText(raw)
	doc, err := policy.Parse(kind, in.path, []byte(text.Text))
	if err != nil {
		return fileTexts{}, err
	}
	return fileTexts{documents: []policyText{{name: in.path, statements: doc.Statements, warnings: doc.Warnings, text: text}}}, nil
}

// policyText returns the text of a policy that stands in a file.
func (in policyInput) policyText(raw json.RawMessage) guard.PolicyText {
	var text string
	object := json.Unmarshal(raw, &text) != nil
	return guard.PolicyText{File: in.path, Text: string(in.document(raw)), Lined: in.own && object}
}

// document returns a policy that stands in a file as an object, or as a string that
// may be URL-encoded. An object keeps its lines and columns.
func (in policyInput) document(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if strings.HasPrefix(text, "%") {
			return percentDecoded(text)
		}
		return []byte(text)
	}
	at := bytes.Index(in.text, raw)
	if at < 0 {
		return raw
	}
	before := bytes.Map(func(c rune) rune {
		if c == '\n' {
			return c
		}
		return ' '
	}, in.text[:at])
	return append(before, raw...)
}

// authorizations is what is read of `aws iam get-account-authorization-details`.
type authorizations struct {
	UserDetailList, RoleDetailList, GroupDetailList []authorizedPrincipal
	Policies                                        []struct {
		Arn, DefaultVersionID string
		PolicyVersionList     []struct {
			Document         json.RawMessage
			VersionID        string
			IsDefaultVersion bool
		}
	}
	IsTruncated bool
}

type authorizedPrincipal struct {
	UserName, RoleName, GroupName                   string
	UserPolicyList, RolePolicyList, GroupPolicyList []authorizedInline
	AttachedManagedPolicies                         []struct{ PolicyName, PolicyArn string }
	GroupList                                       []string
	PermissionsBoundary                             *struct{ PermissionsBoundaryArn string }
}

type authorizedInline struct {
	PolicyName     string
	PolicyDocument json.RawMessage
}

func isAuthorizationDetails(in policyInput) bool {
	for _, element := range []string{"UserDetailList", "RoleDetailList", "GroupDetailList"} {
		if in.top[element] != nil {
			return true
		}
	}
	return false
}

// readAuthorizations reads the policies of an account, each tied to who has it.
func readAuthorizations(kind policy.Kind, in policyInput) (fileTexts, error) {
	if kind != policy.Identity {
		return fileTexts{}, fmt.Errorf("%s: no %s policy in the details of an account", in.path, kind)
	}
	var out authorizations
	if err := json.Unmarshal(in.text, &out); err != nil {
		return fileTexts{}, fmt.Errorf("%s: %w", in.path, err)
	}
	var texts fileTexts
	take := func(name, node string, raw json.RawMessage) {
		text := in.policyText(raw)
		doc, err := policy.Parse(kind, in.path+": "+name, []byte(text.Text))
		if err != nil {
			texts.unread = append(texts.unread, unreadPolicy{kind: kind, why: "no policy: " + strings.TrimPrefix(err.Error(), in.path+": "), node: node})
			return
		}
		texts.documents = append(texts.documents, policyText{name: name, node: node, statements: doc.Statements, text: text})
	}
	managed := make(map[string]bool)
	for n, p := range out.Policies {
		for _, v := range p.PolicyVersionList {
			if v.IsDefaultVersion || v.VersionID != "" && v.VersionID == p.DefaultVersionID {
				managed[p.Arn] = true
				take(cmp.Or(safetext.Line(p.Arn), fmt.Sprintf("managed policy %d, without an ARN", n+1)), p.Arn, v.Document)
				break
			}
		}
	}
	principal := func(name string, p authorizedPrincipal, inline []authorizedInline) {
		texts.owners.declare(name)
		shown := safetext.Line(name)
		for _, i := range inline {
			take(fmt.Sprintf("%s, inline %q", shown, i.PolicyName), name, i.PolicyDocument)
		}
		for _, a := range p.AttachedManagedPolicies {
			texts.owners.tie(name, a.PolicyArn, true)
			if !managed[a.PolicyArn] {
				texts.unread = append(texts.unread, unreadPolicy{kind: kind, why: fmt.Sprintf("%s has %s, whose text is not in this file", shown, safetext.Line(a.PolicyArn)), node: name})
			}
		}
		for _, group := range p.GroupList {
			texts.owners.tie(name, "group/"+group, true)
		}
		if b := p.PermissionsBoundary; b != nil {
			texts.unread = append(texts.unread, unreadBoundary(shown, name, b.PermissionsBoundaryArn))
		}
	}
	for _, p := range out.UserDetailList {
		principal("user/"+p.UserName, p, p.UserPolicyList)
	}
	for _, p := range out.RoleDetailList {
		principal("role/"+p.RoleName, p, p.RolePolicyList)
	}
	if len(out.RoleDetailList) > 0 {
		texts.leftOut = append(texts.leftOut, "the trust policies of roles")
	}
	groups := make(map[string]bool)
	for _, p := range out.GroupDetailList {
		groups[p.GroupName] = true
		principal("group/"+p.GroupName, p, p.GroupPolicyList)
	}
	for _, p := range out.UserDetailList {
		for _, group := range p.GroupList {
			if !groups[group] {
				texts.unread = append(texts.unread, unreadPolicy{kind: kind, why: fmt.Sprintf("user/%s is in the group %s, whose policies are not in this file", safetext.Line(p.UserName), safetext.Line(group)), node: "user/" + p.UserName})
			}
		}
	}
	if out.IsTruncated {
		texts.unread = append(texts.unread, unreadPolicy{kind: kind, why: "the output is one page of several"})
	}
	if len(texts.documents) == 0 && len(texts.unread) == 0 {
		return fileTexts{}, fmt.Errorf("%s: no identity policy in the details of this account", in.path)
	}
	return texts, nil
}
