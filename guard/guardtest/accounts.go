package guardtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Account is an account of a size, always the same: forty roles have one set of policies of five
// statements, instances have one of thirty values of a tag, and a tenth of the statements has
// conditions on that tag. It writes what the AWS CLI prints.
type Account struct {
	Roles, Instances int
}

const (
	rolesOfSet  = 40
	tagValues   = 30
	accountsID  = "111122223333"
	conditioned = 10 // one statement in so many is conditioned on tags
)

// AccountDocuments are the session documents of every Account, "" for the default one.
var AccountDocuments = []string{"", "AWS-StartSSHSession", "AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost", "Corp-Shell", "Corp-Database"}

// Team is the value of the tag of an instance, or the one that a set of policies asks for.
func Team(n int) string { return fmt.Sprintf("team-%02d", n%tagValues) }

// RoleARN is the ARN of a role.
func (Account) RoleARN(n int) string {
	return fmt.Sprintf("arn:aws:iam::%s:role/role-%05d", accountsID, n)
}

// InstanceID is the id of an instance.
func (Account) InstanceID(n int) string { return fmt.Sprintf("i-%017x", 0x1000+n) }

// Statements returns the five statements of the set of policies of a role.
func (Account) Statements(role int) (all []string) {
	set := role / rolesOfSet
	for n := range 5 {
		at := set*5 + n
		effect, action, resource := "Allow", `"ssm:StartSession"`, ""
		switch at % 5 {
		case 0:
			resource = `"arn:aws:ec2:*:*:instance/*"`
			if set%3 == 1 {
				resource = fmt.Sprintf(`"arn:aws:ec2:*:*:instance/i-*%x"`, set%16)
			}
		case 1:
			resource = `"arn:aws:ssm:*::document/AWS-Start*"`
		case 2:
			resource = fmt.Sprintf(`["arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell","arn:aws:ssm:*:*:document/Corp-%s"]`, []string{"Shell", "Database", "*"}[set%3])
		case 3:
			action, resource = `["ssm:TerminateSession","ssm:ResumeSession"]`, `"arn:aws:ssm:*:*:session/${aws:username}-*"`
		case 4:
			resource = fmt.Sprintf(`"arn:aws:ssm:*::document/AWS-StartPortForwardingSession%s"`, []string{"", "ToRemoteHost"}[set%2])
			if set%4 == 1 {
				effect = "Deny"
			}
		}
		condition := ""
		if at%conditioned == 0 || at%conditioned == 5 && set%4 == 1 {
			condition = fmt.Sprintf(`,"Condition":{"StringEquals":{"ssm:resourceTag/team":%q}}`, Team(set))
			if set%5 == 2 {
				condition = fmt.Sprintf(`,"Condition":{"StringLike":{"aws:ResourceTag/team":["%s*",%q]}}`, Team(set)[:6], Team(set+1))
			}
		}
		all = append(all, fmt.Sprintf(`{"Sid":"S%d","Effect":%q,"Action":%s,"Resource":%s%s}`, n, effect, action, resource, condition))
	}
	return all
}

// document puts statements together.
func document(statements []string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// Details writes what `aws iam get-account-authorization-details` prints: of each role two of its
// five statements are in an inline policy, and three in a managed one.
func (a Account) Details(out io.Writer) error {
	w := bufio.NewWriter(out)
	w.WriteString(`{"UserDetailList":[],"GroupDetailList":[],"RoleDetailList":[`)
	for i := range a.Roles {
		if i > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, "\n"+`{"Path":"/","RoleName":"role-%05d","RoleId":"AROAEXAMPLE%09d","Arn":%q,"CreateDate":"2026-01-01T00:00:00+00:00",`, i, i, a.RoleARN(i))
		fmt.Fprintf(w, `"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"sts:AssumeRole"}]},`, accountsID)
		fmt.Fprintf(w, `"InstanceProfileList":[],"RolePolicyList":[{"PolicyName":"own","PolicyDocument":%s}],`, document(a.Statements(i)[3:]))
		fmt.Fprintf(w, `"AttachedManagedPolicies":[{"PolicyName":"set-%d","PolicyArn":"arn:aws:iam::%s:policy/set-%d"}],"Tags":[{"Key":"n","Value":"%d"}],"RoleLastUsed":{}}`, i/rolesOfSet, accountsID, i/rolesOfSet, i)
	}
	w.WriteString("],\n\"Policies\":[")
	for set := range (a.Roles + rolesOfSet - 1) / rolesOfSet {
		if set > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, "\n"+`{"PolicyName":"set-%d","PolicyId":"ANPA","Arn":"arn:aws:iam::%s:policy/set-%d","Path":"/","DefaultVersionId":"v1","AttachmentCount":%d,"PermissionsBoundaryUsageCount":0,"IsAttachable":true,`,
			set, accountsID, set, rolesOfSet)
		fmt.Fprintf(w, `"PolicyVersionList":[{"Document":%s,"VersionId":"v1","IsDefaultVersion":true}]}`, document(a.Statements(set * rolesOfSet)[:3]))
	}
	w.WriteString("]}\n")
	return w.Flush()
}

// Describe writes what `aws ec2 describe-instances` prints.
func (a Account) Describe(out io.Writer) error {
	w := bufio.NewWriter(out)
	w.WriteString(`{"Reservations":[`)
	for i := range a.Instances {
		if i > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, "\n"+`{"Groups":[],"OwnerId":%q,"ReservationId":"r-%x","Instances":[{"AmiLaunchIndex":0,"ImageId":"ami-0123456789abcdef0","InstanceId":%q,"InstanceType":"t3.micro",`, accountsID, i, a.InstanceID(i))
		fmt.Fprintf(w, `"Placement":{"AvailabilityZone":"eu-west-1%c","Tenancy":"default"},"State":{"Code":16,"Name":"running"},"Tags":[{"Key":"Name","Value":"node-%d"},{"Key":"team","Value":%q}]}]}`, 'a'+i%3, i, Team(i))
	}
	w.WriteString("]}\n")
	return w.Flush()
}

// Documents writes what `aws ssm list-documents` prints.
func (a Account) Documents(out io.Writer) error {
	type identifier struct {
		Name, Owner, DocumentType, DocumentFormat string
		Tags                                      []struct{}
	}
	var all struct{ DocumentIdentifiers []identifier }
	for _, name := range AccountDocuments {
		d := identifier{name, "Amazon", "Session", "JSON", []struct{}{}}
		switch {
		case name == "":
			d.Name, d.Owner = "SSM-SessionManagerRunShell", accountsID
		case !strings.HasPrefix(name, "AWS-"):
			d.Owner = accountsID
		}
		all.DocumentIdentifiers = append(all.DocumentIdentifiers, d)
	}
	return json.NewEncoder(out).Encode(all)
}
