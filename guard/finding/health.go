package finding

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ssmguard/guard"
	"ssmguard/internal/safetext"
)

// health says what the account shows against a session on this target. None of
// it is a matter of permissions, so it never stops a session.
func health(r guard.Request, f guard.Facts) []guard.Finding {
	var fs []guard.Finding
	for _, check := range healthChecks {
		if summary, detail, fix := check.find(r, f); summary != "" {
			finding := guard.Finding{Code: check.code, Level: guard.Warning, Summary: summary, Detail: detail}
			if fix != "" {
				finding.Fix = &guard.Fix{Text: fix}
			}
			fs = append(fs, finding)
		}
	}
	return fs
}

// healthChecks are the rows; find returns "" for a summary when all is well or
// nothing is known.
var healthChecks = []struct {
	code guard.Code
	find func(guard.Request, guard.Facts) (summary, detail, fix string)
}{
	{"SG707", elsewhereFound},
	{"SG719", nowhereFound},
	{"SG703", notRunning},
	{"SG708", taskWithoutExec},
	{"SG704", noProfile},
	{"SG701", notRegistered},
	{"SG702", connectionLost},
	{"SG706", notConnected},
	{"SG705", agentTooOld},
}

func elsewhereFound(r guard.Request, f guard.Facts) (string, string, string) {
	if f.Health.FoundIn == "" || f.Health.FoundIn == r.Region {
		return "", "", ""
	}
	return fmt.Sprintf("%s is in %s, and the request goes to %s", r.Target, f.Health.FoundIn, r.Region), "", "use --region " + safetext.Word(f.Health.FoundIn)
}

func nowhereFound(r guard.Request, f guard.Facts) (string, string, string) {
	if !f.Health.Missing || f.Health.FoundIn != "" {
		return "", "", ""
	}
	return fmt.Sprintf("EC2 knows no instance %s in %s", r.Target, r.Region),
		"most likely it is in another region; else in another account, or terminated; the other regions could not be searched, or do not have it",
		"give its region with --region, or the profile of its account with --profile"
}

func notRunning(r guard.Request, f guard.Facts) (string, string, string) {
	state := f.Health.State
	if state == "" || strings.EqualFold(state, "running") {
		return "", "", ""
	}
	fix := "choose a target that runs"
	switch start := "start it: aws ec2 start-instances --instance-ids " + safetext.Word(r.Target); {
	case strings.EqualFold(state, "pending"):
		fix = "wait until it runs"
	case state == "stopped":
		fix = start
	case state == "stopping":
		fix = "wait until it has stopped, then " + start
	}
	return fmt.Sprintf("%s is %s", r.Target, strings.ToLower(state)), "", fix
}

func taskWithoutExec(r guard.Request, f guard.Facts) (string, string, string) {
	if f.Health.ExecEnabled == nil || *f.Health.ExecEnabled {
		return "", "", ""
	}
	return fmt.Sprintf("%s was started without enableExecuteCommand", r.Target), "the flag cannot be set on a running task",
		"update the service with --enable-execute-command --force-new-deployment"
}

func noProfile(r guard.Request, f guard.Facts) (string, string, string) {
	if f.Health.Profile == nil || *f.Health.Profile != "" || (f.Health.Registered != nil && *f.Health.Registered) {
		return "", "", ""
	}
	return fmt.Sprintf("%s has no instance profile, so its agent has no credentials", r.Target), "",
		"attach an instance profile whose role has AmazonSSMManagedInstanceCore"
}

func notRegistered(r guard.Request, f guard.Facts) (string, string, string) {
	if f.Health.Registered == nil || *f.Health.Registered || strings.HasPrefix(r.Target, "ecs:") {
		return "", "", ""
	}
	return fmt.Sprintf("Systems Manager does not know %s in %s", r.Target, r.Region),
		"its agent never registered: no running agent, no role with AmazonSSMManagedInstanceCore, or no way to the endpoints ssm, ssmmessages and ec2messages", ""
}

func connectionLost(r guard.Request, f guard.Facts) (string, string, string) {
	if f.Health.Ping == "" || f.Health.Ping == "Online" {
		return "", "", ""
	}
	detail := ""
	if !f.Health.LastPing.IsZero() {
		detail = "its agent was last heard of at " + f.Health.LastPing.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s has lost its connection to Systems Manager (%s)", r.Target, f.Health.Ping), detail, "restart the instance or its agent"
}

func notConnected(r guard.Request, f guard.Facts) (string, string, string) {
	if !strings.EqualFold(f.Health.Connection, "notconnected") {
		return "", "", ""
	}
	return fmt.Sprintf("%s takes no sessions: its connection status is notconnected", r.Target),
		"mostly the ssmmessages endpoint cannot be reached from it, or its role lacks ssmmessages:CreateControlChannel and ssmmessages:CreateDataChannel",
		"give the target's role AmazonSSMManagedInstanceCore and a way to ssmmessages." + r.Region + ".amazonaws.com"
}

// AgentsDate is the day on which agentMinimums was last compared with AWS's pages.
const AgentsDate = "2026-11-21"

// agentMinimums are the agents that each kind of session needs, by the beginning
// of the document's name, the most special first. See the feature's pages in the
// Systems Manager user guide.
var agentMinimums = []struct{ document, sessionType, version string }{
	{"AWS-StartPortForwardingSessionToRemoteHost", "", "3.1.1374.0"},
	{"AWS-StartPortForwardingSession", "", "2.3.672.0"},
	{"AWS-StartSSHSession", "", "2.3.672.0"},
	{"", "Port", "2.3.672.0"},
	{"", "", "2.3.68.0"},
}

// kmsAgent is what a session needs whose data is encrypted.
const kmsAgent = "2.3.539.0"

func agentTooOld(r guard.Request, f guard.Facts) (string, string, string) {
	if f.Health.AgentVersion == "" {
		return "", "", ""
	}
	need := ""
	for _, m := range agentMinimums {
		if strings.HasPrefix(guard.DocumentName(r), m.document) && (m.sessionType == "" || m.sessionType == f.SessionType) {
			need = m.version
			break
		}
	}
	if f.KMSKey != "" && olderVersion(need, kmsAgent) {
		need = kmsAgent
	}
	if !olderVersion(f.Health.AgentVersion, need) {
		return "", "", ""
	}
	return fmt.Sprintf("the agent on %s is %s, and %s needs %s", r.Target, f.Health.AgentVersion, guard.DocumentName(r), need), "",
		"update the agent: aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids " + safetext.Word(r.Target)
}

// olderVersion compares dotted numbers; what is no number is never older.
func olderVersion(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		if errX != nil || errY != nil {
			return false
		}
		if x != y {
			return x < y
		}
	}
	return len(as) < len(bs)
}
