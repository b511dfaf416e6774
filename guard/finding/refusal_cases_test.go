package finding

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
)

// fieldMessage is a line of testdata/messages.jsonl: a message that people met, with
// neutral names, and what it says. Means is of those that are no refusal by IAM.
type fieldMessage struct {
	ID, Text string
	Expect   struct{ Action, Resource, Reason, Owner, Policy, Means string }
}

func fieldMessages(t testing.TB) []fieldMessage {
	t.Helper()
	text, err := os.ReadFile("testdata/messages.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []fieldMessage
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var m fieldMessage
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	if err := lines.Err(); err != nil || len(all) < 20 {
		t.Fatalf("%d messages, %v", len(all), err)
	}
	return all
}

// TestFieldMessages: each message that people met is read as what it is, whatever it was
// printed in.
func TestFieldMessages(t *testing.T) {
	for _, m := range fieldMessages(t) {
		r, ok := ParseRefusal(m.Text)
		if !ok {
			t.Errorf("%s: not read", m.ID)
			continue
		}
		d := Refused(guard.Decision{}, r)
		if len(d.Findings) != 1 {
			t.Errorf("%s: %d findings", m.ID, len(d.Findings))
			continue
		}
		whole(t, d.Findings[0].Code, d.Findings[0])
		if m.Expect.Means != "" {
			if r.Denied() {
				t.Errorf("%s: taken for a refusal by IAM: %+v", m.ID, r)
			}
			for word := range strings.FieldsSeq(m.Expect.Means) {
				if !strings.Contains(d.Findings[0].Summary, word) {
					t.Errorf("%s: %q does not say %q", m.ID, d.Findings[0].Summary, m.Expect.Means)
				}
			}
			continue
		}
		got := m.Expect
		got.Action, got.Resource, got.Reason, got.Owner, got.Policy = r.Action, r.Resource, r.Reason(), r.Owner(), r.PolicyARN
		if diff := cmp.Diff(m.Expect, got); diff != "" {
			t.Errorf("%s: %s", m.ID, diff)
		}
	}
}

const (
	whyIdentity = " because no identity-based policy allows the ssm:StartSession action"
	whole1      = refused + onDoc + whyIdentity
)

// TestWrappings: one sentence is the same refusal, whatever it was printed in.
func TestWrappings(t *testing.T) {
	want := Refusal{User: userARN, Action: "ssm:StartSession", Resource: docARN, Policy: IdentityPolicy}
	inJSON := func(s string) string {
		text, err := json.Marshal(map[string]string{"Message": s})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	hardWrapped := func(width int) string {
		text, out := "An error occurred (AccessDeniedException) when calling the StartSession operation: "+whole1, ""
		for len(text) > width {
			out, text = out+text[:width]+"\n", text[width:]
		}
		return out + text
	}
	tests := map[string]string{
		"JSON in JSON in JSON":         inJSON(inJSON(inJSON(whole1))),
		"Go %q":                        "level=error err=" + strings.ReplaceAll(inJSON("a\n"+whole1), `"Message":`, ""),
		"percent-encoded":              strings.ReplaceAll(url.QueryEscape(whole1), "+", "%20"),
		"the address of a page":        "see https://example.com/?error=AccessDenied&errorMessage=" + url.QueryEscape(whole1) + "&requestId=1 for it",
		"percent-encoded twice":        url.QueryEscape(url.QueryEscape(whole1)),
		"percent-encoded, in JSON":     inJSON(url.PathEscape(whole1)),
		"slashes escaped":              strings.ReplaceAll(whole1, "/", `\/`),
		"XML":                          "<Error><Code>AccessDenied</Code><Message>" + whole1 + "</Message></Error>",
		"HTML":                         "<p>&quot;" + strings.ReplaceAll(whole1, ": arn:aws:ssm", ": &quot;arn:aws:ssm") + "&quot;</p>",
		"entities twice":               "&amp;quot;" + whole1 + "&amp;quot;",
		"mail":                         "> > " + strings.ReplaceAll(whole1, " on resource", "\n> > on resource"),
		"a table":                      "| error | " + whole1 + " |",
		"bold":                         "**" + strings.ReplaceAll(whole1, docARN, "**"+docARN+"**") + "**",
		"backticks":                    strings.ReplaceAll(strings.ReplaceAll(whole1, docARN, "`"+docARN+"`"), "perform: ssm:StartSession", "perform: `ssm:StartSession`"),
		"curly quotes":                 strings.ReplaceAll(whole1, docARN, "\u201c"+docARN+"\u201d"),
		"colours":                      "\x1b[31m\u2502\x1b[0m \x1b[1m" + strings.ReplaceAll(whole1, " is not", "\x1b[0m\n\x1b[31m\u2502\x1b[0m is not"),
		"local-exec":                   "null_resource.tunnel[0] (local-exec): " + whole1,
		"a direction that is reversed": "\u202e" + strings.ReplaceAll(whole1, "StartSSH", "Start\u200bSSH"),
		"HTML, in code":                strings.ReplaceAll(strings.ReplaceAll(whole1, docARN, "<code>"+docARN+"</code>"), userARN, "<b>"+userARN+"</b>"),
		"in brackets":                  strings.ReplaceAll(strings.ReplaceAll(whole1, docARN, "["+docARN+"]"), userARN, "<"+userARN+">"),
		"slanted":                      strings.ReplaceAll(whole1, docARN, "*"+docARN+"*"),
		"slanted too":                  strings.ReplaceAll(whole1, docARN, "_"+docARN+"_"),
		"Windows, broken":              strings.ReplaceAll(hardWrapped(80), "\n", "\r\n"),
		"box, broken":                  "\u2502 " + strings.ReplaceAll(hardWrapped(77), "\n", "\n\u2502 "),
		"mail, broken":                 "> " + strings.ReplaceAll(hardWrapped(61), "\n", "\n> "),
		"no word resource":             strings.ReplaceAll(whole1, " on resource: ", " on "),
		"botocore":                     "botocore.exceptions.ClientError: An error occurred (AccessDeniedException) when calling the StartSession operation: " + whole1,
		"Ruby":                         "start.rb:3:in `call': " + whole1 + " (Aws::SSM::Errors::AccessDeniedException)",
		".NET":                         "Unhandled exception. Amazon.SimpleSystemsManagement.AmazonSimpleSystemsManagementException: " + whole1 + "\n ---> Amazon.Runtime.Internal.HttpErrorResponseException",
		"Rust":                         `ServiceError { source: AccessDeniedException { message: Some("` + whole1 + `"), code: Some("AccessDeniedException") } }`,
		"PHP, cut in the user":         `{"Message":"User: arn:aws:sts::1111 (truncated...)` + "\n AccessDeniedException (client): " + whole1,
		"PHP, cut in the resource":     `{"Message":"` + refused + ` on resource: arn:aws:ss (truncated...)` + "\n AccessDeniedException (client): " + whole1,
		"two times":                    whole1 + "\n" + whole1,
	}
	for _, width := range []int{40, 57, 72, 79, 80, 100, 132} {
		tests["broken at "+string(rune('0'+width/100))+string(rune('0'+width/10%10))+string(rune('0'+width%10))] = hardWrapped(width)
	}
	for name, text := range tests {
		all := ParseRefusals(text)
		if len(all) != 1 {
			t.Errorf("%s: %d refusals: %+v", name, len(all), all)
			continue
		}
		got := all[0]
		got.Code, got.Operation, got.Message = "", "", ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestBrokenAtTheEnd: an ARN that ends a sentence is whole too, at whatever column lines
// were broken, and is not longer than its line when none were.
func TestBrokenAtTheEnd(t *testing.T) {
	text := "An error occurred (AccessDeniedException) when calling the StartSession operation: " + refused + onDoc
	for width := 30; width < 100; width++ {
		out := ""
		for rest := text; rest != ""; rest = rest[min(width, len(rest)):] {
			out += rest[:min(width, len(rest))] + "\n"
		}
		if r, _ := ParseRefusal(out + "Connection closed\n"); r.Action != "ssm:StartSession" || r.Resource != docARN {
			t.Errorf("broken at %d: %s on %s\n%s", width, r.Action, r.Resource, out)
		}
	}
	r, _ := ParseRefusal(refused + onDoc + "\nSession ended\n" + refused + "\n")
	if r.Resource != docARN {
		t.Errorf("%q", r.Resource)
	}
}

// TestNoAction: where AWS does not name the action, nothing is said twice and nothing is
// offered.
func TestNoAction(t *testing.T) {
	tests := []struct{ text, summary string }{
		{"An error occurred (AccessDeniedException) when calling the StartSession operation: no", "AWS refused the call, and does not say which action it asked IAM about"},
		{refused[:strings.Index(refused, ": ssm:")] + ": ssm:Star (truncated...)", "AWS refused the call, and does not say which action it asked IAM about"},
		{"User is not authorized to perform: ssm:StartSession", "AWS refused ssm:StartSession to the caller: it gives no reason"},
	}
	for _, tt := range tests {
		d := Pasted(ParseRefusals(tt.text))
		if len(d.Findings) != 1 || d.Findings[0].Summary != tt.summary || d.Findings[0].Fix != nil {
			t.Errorf("%s: %+v", tt.text, d.Findings)
		}
	}
	r, _ := ParseRefusal("User is not authorized to perform: ssm:StartSession with an explicit deny in a service control policy")
	if f := Refused(guard.Decision{}, r).Findings[0]; f.Fix == nil || !strings.HasPrefix(f.Fix.Message, "Please allow the caller ssm:StartSession. AWS says: ") {
		t.Errorf("%+v", f.Fix)
	}
}

// TestWhereAnARNEnds: nothing that stands behind an ARN becomes part of it.
func TestWhereAnARNEnds(t *testing.T) {
	for _, tail := range []string{"`", "</Message>", "]", "|", "**", "*", "`**", "</code>", "&lt;/Message&gt;", "\\u003c/Message\\u003e", `\n`, `\"}`, "&quot;", "\u201d", "\u2019", "\u300d", "\u3002", "\uff0c", ")", ",", ".", ";", `"`, "'", "}", "\u9519\u8bef", "\x1b[0m", "\u00a0more", "\tmore", " more"} {
		for _, lead := range []string{"", `"`, "'", "`", "\u201c", "**", "&quot;"} {
			r, _ := ParseRefusal(refused + " on resource: " + lead + docARN + tail)
			if r.Resource != docARN {
				t.Errorf("%q %q: %q", lead, tail, r.Resource)
			}
			f := Refused(guard.Decision{}, r).Findings[0]
			if f.Fix == nil || len(f.Fix.Changes) != 1 || !json.Valid([]byte(f.Fix.Changes[0].Statement)) {
				t.Errorf("%q %q: the repair %+v", lead, tail, f.Fix)
			}
		}
	}
	for _, whole := range []string{"arn:aws:ssmmessages:us-east-1:111122223333:*", "arn:aws:s3:::logs/*", "arn:aws:s3:::logs/**", "arn:aws:ecs:eu-west-1:111122223333:task/prod/0123456789abcdef0123456789abcdef", "*"} {
		if r, _ := ParseRefusal(refused + " on resource: " + whole); r.Resource != whole {
			t.Errorf("%s: %q", whole, r.Resource)
		}
	}
}

// TestEachSentence: in a paste of several, each refusal has its own action, resource,
// reason, policy and code, and what is no refusal is told as well.
func TestEachSentence(t *testing.T) {
	paste := "An error occurred (AccessDeniedException) when calling the StartSession operation: " + refused + onDoc + "\n" +
		"An error occurred (AccessDenied) when calling the TerminateSession operation: User: arn:aws:iam::111122223333:user/ann is not authorized to perform: ssm:TerminateSession on resource: arn:aws:ssm:us-east-1:111122223333:session/ann-1 with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/No\n" +
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: ec2:DescribeInstances with an explicit deny\n" +
		"An error occurred (TargetNotConnected) when calling the StartSession operation: i-0123456789abcdef0 is not connected.\n" +
		"SessionManagerPlugin is not found. Please refer to SessionManager Documentation here"
	type said struct{ operation, action, reason, owner, policy string }
	var got []said
	var codes []guard.Code
	all := ParseRefusals(paste)
	for _, r := range all {
		if r.Denied() {
			got = append(got, said{r.Operation, r.Action, r.Reason(), r.Owner(), r.PolicyARN})
		}
	}
	want := []said{
		{"StartSession", "ssm:StartSession", "", "unknown", ""},
		{"TerminateSession", "ssm:TerminateSession", "explicit:identity", "caller", "arn:aws:iam::111122223333:policy/No"},
		{"", "ec2:DescribeInstances", "explicit:", "unknown", ""},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(said{})); diff != "" {
		t.Error(diff)
	}
	for _, f := range Pasted(all).Findings {
		codes = append(codes, f.Code)
	}
	if diff := cmp.Diff([]guard.Code{"SG600", "SG609", "SG600", "SG700", "SG621"}, codes); diff != "" {
		t.Error(diff)
	}
}

// TestOwner: whose policies have to change.
func TestOwner(t *testing.T) {
	const (
		node = "arn:aws:sts::111122223333:assumed-role/ssm-node/i-0123456789abcdef0"
		task = "arn:aws:sts::111122223333:assumed-role/web-task/0123456789abcdef0123456789abcdef"
		mi   = "arn:aws:sts::111122223333:assumed-role/hybrid/mi-0123456789abcdef0"
		no   = "because no identity-based policy allows the x action"
	)
	tests := []struct{ before, user, action, resource, reason, owner, code string }{
		{"", userARN, "ssm:StartSession", docARN, no, OwnerCaller, "SG601"},
		{"", node, "ssm:StartSession", docARN, no, OwnerCaller, "SG601"}, // somebody who works on the instance
		{"", node, "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", no, OwnerNode, "SG711"},
		{"", mi, "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", "", OwnerNode, "SG711"},
		{"Fetching data key failed: Unable to retrieve data key, Error when decrypting data key AccessDeniedException: ", "arn:aws:sts::111122223333:assumed-role/own/name", "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", no, OwnerNode, "SG711"},
		{"", userARN, "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", no, OwnerCaller, "SG601"},
		{"", node, "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", "because no resource-based policy allows the kms:Decrypt action", OwnerKeyPolicy, "SG711"},
		{"", task, "ssmmessages:CreateControlChannel", "arn:aws:ecs:us-east-1:111122223333:task/prod/0123456789abcdef0123456789abcdef", no, OwnerNode, "SG712"},
		{"", task, "ssmmessages:OpenDataChannel", "*", no, OwnerNode, "SG712"},
		{"", userARN, "ssmmessages:OpenDataChannel", "*", no, OwnerCaller, "SG601"},
		{"", node, "s3:GetEncryptionConfiguration", "arn:aws:s3:::logs", no, OwnerNode, "SG712"},
		{"", userARN, "kms:GenerateDataKey", "arn:aws:kms:us-east-1:111122223333:key/k", "with an explicit deny in a resource control policy", "organization", "SG603"},
		{"", userARN, "kms:GenerateDataKey", "arn:aws:kms:us-east-1:111122223333:key/k", "with an explicit deny in a resource-based policy", OwnerKeyPolicy, "SG607"},
		{"", userARN, "sts:AssumeRole", "arn:aws:iam::111122223333:role/dev", "because no role trust policy allows the sts:AssumeRole action", OwnerTrust, "SG607"},
		{"", userARN, "sts:AssumeRole", "arn:aws:iam::111122223333:role/dev", "because no resource-based policy allows the sts:AssumeRole action", OwnerTrust, "SG607"},
		{"", userARN, "sts:AssumeRole", "arn:aws:iam::111122223333:role/dev", "", OwnerUnknown, "SG600"},
		{"", userARN, "ssm:StartSession", docARN, "because no permissions boundary allows the x action", "boundary", "SG604"},
		{"", userARN, "ssm:StartSession", docARN, "with an explicit deny in a session policy", "session policy", "SG605"},
		{"", userARN, "ssm:StartSession", docARN, "with an explicit deny in a VPC endpoint policy", "endpoint", "SG606"},
		{"", userARN, "ssm:StartSession", docARN, "with an explicit deny in a wholly new policy", OwnerUnknown, "SG600"},
	}
	for _, tt := range tests {
		all := ParseRefusals(tt.before + "User: " + tt.user + " is not authorized to perform: " + tt.action + " on resource: " + tt.resource + " " + tt.reason)
		if len(all) != 1 || all[0].Owner() != tt.owner {
			t.Errorf("%s of %s %s: owner %q, want %q, in %+v", tt.action, tt.user, tt.reason, all[0].Owner(), tt.owner, all)
			continue
		}
		f := Refused(guard.Decision{}, all[0]).Findings[0]
		if string(f.Code) != tt.code {
			t.Errorf("%s of %s %s: %s, want %s", tt.action, tt.user, tt.reason, f.Code, tt.code)
		}
		if f.Fix != nil && tt.owner == OwnerKeyPolicy && (len(f.Fix.Changes) > 0 || f.Fix.Ask != "the administrator of the key") {
			t.Errorf("%s: the key policy is not what is to be changed: %+v", tt.action, f.Fix)
		}
		whole(t, f.Code, f)
	}
	r, _ := ParseRefusal("An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity")
	f := Refused(guard.Decision{}, r).Findings[0]
	if r.Owner() != OwnerTrust || f.Code != "SG607" || f.Fix == nil || f.Fix.Ask != "whoever keeps the role's trust policy" || strings.Contains(f.Fix.Message, " on .") {
		t.Errorf("%+v: %+v", r, f)
	}
}

// TestKnownMessages: the messages of service, agent, plugin and CLI that are no refusal
// say what they mean and what to do.
func TestKnownMessages(t *testing.T) {
	tests := []struct {
		text, code, means string
	}{
		{"An error occurred (ExpiredTokenException) when calling the StartSession operation: The security token included in the request is expired", "SG620", "expired"},
		{"An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid.", "SG620", "unknown to AWS"},
		{"An error occurred (UnrecognizedClientException) when calling the StartSession operation: The security token included in the request is invalid.", "SG620", "unknown to AWS"},
		{"An error occurred (TargetNotConnectedException) when calling the ExecuteCommand operation: The execute command failed due to an internal error. Try again later.", "SG708", "ECS task"},
		{"An error occurred (InvalidParameterException) when calling the ExecuteCommand operation: The execute command failed because execute command was not enabled when the task was run or the execute command agent isn\u2019t running.", "SG708", "ECS task"},
		{"software.amazon.awssdk.services.ssm.model.TargetNotConnectedException: i-0123456789abcdef0 is not connected. (Service: Ssm, Status Code: 400)", "SG700", "not connected"},
		{"SessionManagerPlugin is not found. Please refer to SessionManager Documentation here: http://docs.aws.amazon.com/console/systems-manager/session-manager-plugin-not-found", "SG621", "plugin"},
		{"Plugin with name Port is not supported by this version of ssm agent!", "SG705", "too old"},
		{"Connection to destination port failed, check SSM Agent logs.", "SG621", "port"},
		{"----------ERROR-------\nSetting up data channel with id ann-0a1b failed: failed to create websocket for datachannel with error: CreateDataChannel failed with no output or error: Post https://ssmmessages.us-east-1.amazonaws.com: i/o timeout", "SG706", "channel"},
		{"Your session timed out due to inactivity.", "SG621", "idle"},
		{"An error occurred (ThrottlingException) when calling the StartSession operation (reached max retries: 2): Rate exceeded", "SG621", "too many requests"},
		{"An error occurred (BadRequest) when calling the StartSession operation: Enable advanced-instances tier to use Session Manager with your on-premises instances", "SG621", "advanced-instances"},
		{"Forwarding to IP address 127.0.0.1 is forbidden", "SG621", "loopback"},
		{"aws: [ERROR]: An error occurred (403) when calling the StartSession operation: Server authentication failed: <UnauthorizedRequest><message>Forbidden.</message></UnauthorizedRequest>", "SG620", "reached no AWS"},
		{"An error occurred (ForbiddenException) when calling the GetRoleCredentials operation: No access", "SG620", "permission set"},
		{"An error occurred (InvalidTarget) when calling the StartSession operation: x", "SG701", "no sessions for this target"},
		{"An error occurred (InvalidDocument) when calling the StartSession operation: Document with name web does not exist.", "SG115", "Document with name web"},
		{"An error occurred (InvalidDocument) when calling the StartSession operation: Document type: 'Command' is not supported. Only type: 'Session' is supported for Start-Session.", "SG114", "Document type"},
		{"Error loading SSO Token: Token for https://example.awsapps.com/start does not exist", "SG620", "SSO"},
		{"The SSO session associated with this profile has expired or is otherwise invalid.", "SG620", "SSO"},
		{"Token has expired and refresh failed", "SG620", "SSO"},
		{"Connection closed by UNKNOWN port 65535", "SG621", "ProxyCommand"},
		{"operation error SSM: StartSession, exceeded maximum number of attempts, 3, https response error StatusCode: 400, RequestID: 1, api error ThrottlingException: Rate exceeded", "SG621", "too many requests"},
	}
	for _, tt := range tests {
		all := ParseRefusals(tt.text)
		if len(all) != 1 || all[0].Denied() {
			t.Errorf("%q: %+v", tt.text, all)
			continue
		}
		f := Pasted(all).Findings[0]
		whole(t, f.Code, f)
		if string(f.Code) != tt.code || !strings.Contains(f.Summary, tt.means) || f.Fix == nil && f.Detail == "" && !strings.HasPrefix(tt.code, "SG11") {
			t.Errorf("%q: %+v", tt.text, f)
		}
	}
}

// TestMessageTable: each message of the table is found by its own words, has a page, and
// says what to do or leaves it to the page.
func TestMessageTable(t *testing.T) {
	for _, m := range messages {
		got := known("x "+strings.Join(m.words, " "), false)
		if len(got) != 1 || got[0].code != m.code || got[0].means != m.means {
			t.Errorf("%q: %+v", m.words, got)
		}
		for _, word := range m.words {
			if word != strings.ToLower(word) || unwrap(word) != word {
				t.Errorf("%q is never found", word)
			}
		}
		if _, ok := Page(m.code); !ok || m.means == "" && m.do != "" {
			t.Errorf("%q: %+v", m.words, m)
		}
	}
}

// TestOtherGrant: AWS names one resource, and the line that asks for the other is there
// when the paste has not both.
func TestOtherGrant(t *testing.T) {
	onInstance := " on resource: arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"
	tests := []struct{ text, want string }{
		{refused + onDoc, "the grant on the target may be missing too: ssmguard check --target TARGET --document-name AWS-StartSSHSession --region us-east-1"},
		{refused + onInstance, "the grant on the document may be missing too: ssmguard check --target i-0123456789abcdef0 --region eu-west-1"},
		{refused + " on resource: arn:aws:ssm:eu-west-1:111122223333:document/SSM-SessionManagerRunShell", "ssmguard check --target TARGET --region eu-west-1"},
		{refused + onDoc + "\n" + refused + onInstance, ""},
		{refused + " on resource: arn:aws:ssm:***::document/AWS-StartSSHSession", ""},
		{refused + " on resource: arn:aws:ec2:eu-west-1;id:111122223333:instance/i-0123456789abcdef0", ""},
		{"User: " + userARN + " is not authorized to perform: ssm:TerminateSession on resource: arn:aws:ssm:us-east-1:111122223333:session/alice-1", ""},
	}
	for _, tt := range tests {
		got := Pasted(ParseRefusals(tt.text)).Findings[0].Detail
		if tt.want == "" && strings.Contains(got, "ssmguard check") || !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestMasked: a value that a log hides becomes no wildcard of a policy.
func TestMasked(t *testing.T) {
	r, _ := ParseRefusal(refused + " on resource: arn:aws:ssm:***::document/AWS-StartSSHSession" + whyIdentity)
	if f := Refused(guard.Decision{}, r).Findings[0]; f.Fix == nil || len(f.Fix.Changes) != 0 || !strings.Contains(f.Fix.Text, "hidden") {
		t.Errorf("%+v", f.Fix)
	}
}

func BenchmarkParseRefusals(b *testing.B) {
	for name, text := range map[string]string{
		"one":   "An error occurred (AccessDeniedException) when calling the StartSession operation: " + whole1,
		"1 MiB": strings.Repeat("time=1 level=info "+refused+"\n", 1<<20/(len(refused)+19)),
		"users": strings.Repeat("User: arn:aws:iam::1:user/a ", 1<<20/28),
		"arns":  strings.Repeat("arn:aws:iam::1:\n", 1<<20/16),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				ParseRefusals(text)
			}
		})
	}
}
