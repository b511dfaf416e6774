package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/proxy"
	"ssmguard/proxy/plugin"
)

// stage is a fake of evidence, judges and plugin that records the calls.
type stage struct {
	verdict  policy.Verdict // of every grant
	cached   bool           // the verdict is from an earlier run, fresh is the current one
	fresh    policy.Verdict
	recent   bool // allowed a moment ago
	noCaller error
	noPlugin error
	refusal  error  // of StartSession
	handOver error  // of the plugin
	stuck    error  // of TerminateSession
	opened   func() // called by StartSession
	did      []string
}

func (s *stage) Prefetch(context.Context, guard.Request) {}

func (s *stage) Close() {}

func (s *stage) Cached() bool { return s.cached }

func (s *stage) Refresh() { s.cached = false; s.verdict = s.fresh; s.did = append(s.did, "refresh") }

func (s *stage) ResolveTarget(_ context.Context, _, name string) (string, error) { return name, nil }

func (s *stage) Nodes(context.Context, string) ([]awsiam.Node, error) { return nil, nil }

func (s *stage) SessionDocuments(context.Context, string) ([]awsiam.SessionDocument, error) {
	return nil, nil
}

func (s *stage) RecentlyAllowed(context.Context, guard.Request) (awsiam.Allowed, bool) {
	return awsiam.Allowed{}, s.recent
}

func (s *stage) RememberAllowed(context.Context, guard.Request, string) {
	s.did = append(s.did, "remember")
}

func (s *stage) ForgetAllowed(context.Context, guard.Request) { s.did = append(s.did, "forget") }

func (s *stage) Caller(context.Context) (guard.Caller, error) {
	s.did = append(s.did, "caller")
	if s.noCaller != nil {
		return guard.Caller{}, s.noCaller
	}
	return guard.Caller{SessionARN: "arn:aws:iam::111122223333:user/ann", Account: "111122223333", Partition: "aws"}, nil
}

func (s *stage) Name() string { return "iam" }

func (s *stage) Simulate(_ context.Context, _ guard.Caller, gs []guard.Grant) ([]guard.Ruling, error) {
	if gs[0].ID == guard.GrantAccessRequest {
		s.did = append(s.did, "access")
	} else {
		s.did = append(s.did, "simulate")
	}
	answer := policy.Answer{Verdict: s.verdict}
	if s.verdict == policy.Unknown {
		answer.DependsOn = []string{"session"}
	}
	var rs []guard.Ruling
	for _, g := range gs {
		rs = append(rs, guard.Ruling{Grant: g, Judge: "iam", Answer: answer})
	}
	return rs, nil
}

func (s *stage) Open(context.Context) (*proxy.Session, error) {
	s.did = append(s.did, "open")
	if s.refusal != nil {
		return nil, s.refusal
	}
	if s.opened != nil {
		s.opened()
	}
	return &proxy.Session{ID: "ann-1", Token: proxy.NewSecret("sesame")}, nil
}

func (s *stage) Terminate(_ context.Context, id string) error {
	s.did = append(s.did, "terminate "+id)
	return s.stuck
}

func (s *stage) Run(_ context.Context, session *proxy.Session, io proxy.Streams, _ func()) error {
	s.did = append(s.did, "plugin "+session.ID)
	if s.handOver == nil {
		io.Out.Write([]byte("hello\n"))
	}
	return s.handOver
}

func (s *stage) options(mode configs.GuardMode, stdout, stderr *bytes.Buffer) *start {
	line := &ask.Line{
		Process: &env.Process{Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr},
		Own:     ask.OwnOptions{Guard: mode},
		Log:     slog.New(slog.DiscardHandler),
	}
	return &start{attempt: Attempt{Line: line, Question: &ask.Question{
		Request:  guard.Request{Region: "us-east-1", Target: "i-0123456789abcdef0"},
		Evidence: s,
		Guard:    &guard.Guard{Simulators: []guard.Simulator{s}},
		Opener:   s,
	}}, plugin: func(context.Context) (proxy.Plugin, error) { return s, s.noPlugin }}
}

var refusedOpen = &proxy.Refused{
	Code: "AccessDeniedException", Operation: "StartSession",
	Message: "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: ssm:StartSession on resource: arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell because no identity-based policy allows the ssm:StartSession action",
}

type startCase struct {
	name   string
	mode   configs.GuardMode
	stage  stage
	did    []string
	code   int
	stdout string
	stderr string // what stderr must hold; "" for nothing at all
}

// startCases are what can come between a command line and its session.
func startCases() []startCase {
	var (
		asked    = []string{"caller", "simulate"}
		denied   = []string{"caller", "simulate", "access"} // whether the caller may ask for access first
		started  = []string{"caller", "simulate", "open", "remember", "plugin ann-1"}
		unproven = []string{"caller", "simulate", "open", "plugin ann-1"}
		broken   = errors.New("the plugin did not start")
	)
	return []startCase{
		{"allowed", configs.GuardOn, stage{verdict: policy.Allow}, started, exit.OK, "hello\n", ""},
		{"denied", configs.GuardOn, stage{verdict: policy.ImplicitDeny}, denied, exit.Refused, "", "ssmguard: denied: "},
		{"explicitly denied", configs.GuardStrict, stage{verdict: policy.ExplicitDeny}, asked, exit.Refused, "", "ssmguard: denied: "},
		{"denied, warn", configs.GuardWarn, stage{verdict: policy.ImplicitDeny}, append(denied[:3:3], unproven[2:]...), exit.OK, "hello\n", "ssmguard: denied: "},
		{"denied, off", configs.GuardOff, stage{verdict: policy.ImplicitDeny}, unproven[2:], exit.OK, "hello\n", ""},
		{"unknown", configs.GuardOn, stage{}, unproven, exit.OK, "hello\n", "ssmguard: "},
		{"unknown, strict", configs.GuardStrict, stage{}, asked, exit.Refused, "", "ssmguard: "},
		{"cannot ask", configs.GuardOn, stage{noCaller: errors.New("no route")}, []string{"caller", "open", "plugin ann-1"}, exit.OK,
			"hello\n", "ssmguard: warning: the guard could not ask: no route\n"},
		{"cannot ask, strict", configs.GuardStrict, stage{noCaller: errors.New("no route")}, asked[:1], exit.Other, "", "no route"},
		{"no plugin", configs.GuardOn, stage{verdict: policy.Allow, noPlugin: broken}, asked, exit.Other, "", "ssmguard: the plugin did not start\n"},
		{"refused after all", configs.GuardOn, stage{verdict: policy.Allow, refusal: refusedOpen}, append(asked[:2:2], "open"), exit.Refused,
			"", "ssmguard: An error occurred (AccessDeniedException) when calling the StartSession operation: User: arn:"},
		{"unreachable", configs.GuardOff, stage{refusal: &proxy.Unreachable{Endpoint: "http://ssm.invalid/"}}, []string{"open"}, exit.Other,
			"", "ssmguard: could not connect to the endpoint URL: \"http://ssm.invalid/\"\n"},
		{"handed over in vain", configs.GuardOn, stage{verdict: policy.Allow, handOver: broken}, started, exit.Other, "", "ssmguard: the plugin did not start\n"},
		{"far command failed", configs.GuardOff, stage{handOver: &plugin.ExitError{Code: 7, Remote: true}}, unproven[2:], 7, "", ""},
		{"left running", configs.GuardOff, stage{handOver: errors.Join(broken, &proxy.LeftRunningError{ID: "ann-1", Err: errors.New("refused")})},
			unproven[2:], exit.Other, "", "ssmguard: warning: session ann-1 may still be running: refused\n"},
		{"left running after all went well", configs.GuardOff, stage{handOver: errors.Join(nil, &proxy.LeftRunningError{ID: "ann-1", Err: refusedOpen})},
			unproven[2:], exit.OK, "", "ssmguard: warning: session ann-1 may still be running: "},
		{"allowed a moment ago", configs.GuardOn, stage{recent: true}, unproven[2:], exit.OK, "hello\n", ""},
		{"allowed a moment ago, strict", configs.GuardStrict, stage{recent: true, verdict: policy.Allow}, started, exit.OK, "hello\n", ""},
		{"allowed a moment ago, now refused", configs.GuardOn, stage{recent: true, verdict: policy.ImplicitDeny, refusal: refusedOpen},
			append([]string{"open", "forget"}, denied...), exit.Refused, "", "the policies read here agree"},
		{"denied by an old answer", configs.GuardOn, stage{cached: true, verdict: policy.ImplicitDeny, fresh: policy.Allow},
			[]string{"caller", "simulate", "access", "refresh", "caller", "simulate", "open", "remember", "plugin ann-1"}, exit.OK, "hello\n", ""},
		{"denied again", configs.GuardOn, stage{cached: true, verdict: policy.ImplicitDeny, fresh: policy.ImplicitDeny},
			[]string{"caller", "simulate", "access", "refresh", "caller", "simulate", "access"}, exit.Refused, "", "ssmguard: denied: "},
	}
}

func TestStartSession(t *testing.T) {
	for _, tt := range startCases() {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			o := tt.stage.options(tt.mode, &stdout, &stderr)
			code := exit.Report(o.attempt.Line.Process, o.run(t.Context()))
			if code != tt.code {
				t.Errorf("code %d, want %d", code, tt.code)
			}
			if diff := cmp.Diff(tt.did, tt.stage.did); diff != "" {
				t.Errorf("did (-want +got):\n%s", diff)
			}
			if stdout.String() != tt.stdout {
				t.Errorf("stdout %q, want %q", stdout.String(), tt.stdout)
			}
			if got := stderr.String(); !strings.Contains(got, tt.stderr) || tt.stderr == "" && got != "" {
				t.Errorf("stderr %q, want %q", got, tt.stderr)
			}
			if strings.Contains(stdout.String()+stderr.String(), "sesame") {
				t.Error("the token is shown")
			}
		})
	}
}

// TestInTheCLIsPlace: a line typed for the AWS CLI is answered as the AWS CLI
// would, with explanations after refusals alone.
func TestInTheCLIsPlace(t *testing.T) {
	const deniedText = "\naws: [ERROR]: An error occurred (AccessDeniedException) when calling the StartSession operation: " +
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: ssm:StartSession on resource: arn:"
	tests := []struct {
		name   string
		mode   configs.GuardMode
		stage  stage
		code   int
		prefix string // of stderr; "" for nothing at all
		then   string // somewhere after it
	}{
		{"allowed", configs.GuardOn, stage{verdict: policy.Allow}, exit.OK, "", ""},
		{"unknown", configs.GuardOn, stage{}, exit.OK, "", ""},
		{"cannot ask", configs.GuardOn, stage{noCaller: errors.New("no route")}, exit.OK, "", ""},
		{"denied", configs.GuardOn, stage{verdict: policy.ImplicitDeny}, exit.Refused, deniedText, "\nssmguard: denied: "},
		{"denied, warn", configs.GuardWarn, stage{verdict: policy.ImplicitDeny}, exit.OK, "ssmguard: denied: ", ""},
		{"unknown, strict", configs.GuardStrict, stage{}, exit.Refused, "ssmguard: ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			o := tt.stage.options(tt.mode, &stdout, &stderr)
			o.attempt.Line.DropIn = true
			o.attempt.Line.Process.AWSVoice = true
			if code := exit.Report(o.attempt.Line.Process, o.run(t.Context())); code != tt.code {
				t.Errorf("code %d, want %d", code, tt.code)
			}
			got := stderr.String()
			if tt.prefix == "" && got != "" || !strings.Contains(got, tt.prefix) || !strings.Contains(got, tt.then) {
				t.Errorf("stderr %q, want %q ... %q", got, tt.prefix, tt.then)
			}
		})
	}
}

// TestInterrupted: Ctrl-C while the guard asks starts nothing.
func TestInterrupted(t *testing.T) {
	s := &stage{verdict: policy.Allow}
	var stdout, stderr bytes.Buffer
	o := s.options(configs.GuardOn, &stdout, &stderr)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(env.Signalled{Signal: 2})
	if code := exit.Report(o.attempt.Line.Process, o.run(ctx)); code != exit.Interrupt {
		t.Errorf("code %d, want %d", code, exit.Interrupt)
	}
	if len(s.did) > 0 && s.did[len(s.did)-1] == "open" {
		t.Errorf("did %v", s.did)
	}
}

// A session that was opened too late is terminated; a failure to do so is reported.
func TestInterruptedWhileOpening(t *testing.T) {
	for _, stuck := range []error{nil, errors.New("refused")} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := &stage{stuck: stuck, opened: func() { cancel(env.Signalled{Signal: 2}) }}
		var stdout, stderr bytes.Buffer
		o := s.options(configs.GuardOff, &stdout, &stderr)
		if code := exit.Report(o.attempt.Line.Process, o.run(ctx)); code != exit.Interrupt {
			t.Errorf("code %d, want %d", code, exit.Interrupt)
		}
		if diff := cmp.Diff([]string{"open", "terminate ann-1"}, s.did); diff != "" {
			t.Errorf("did (-want +got):\n%s", diff)
		}
		want := ""
		if stuck != nil {
			want = "ssmguard: warning: session ann-1 may still be running: refused\n"
		}
		if stderr.String() != want {
			t.Errorf("stderr %q, want %q", stderr.String(), want)
		}
	}
}

// TestStops: which mode of the guard stops a session at which verdict.
func TestStops(t *testing.T) {
	const unknown, allow, implicit, explicit = policy.Unknown, policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny
	for mode, at := range map[configs.GuardMode][]policy.Verdict{
		configs.GuardOff: nil, configs.GuardWarn: nil, configs.GuardOn: {implicit, explicit}, configs.GuardStrict: {unknown, implicit, explicit},
	} {
		for _, v := range []policy.Verdict{unknown, allow, implicit, explicit} {
			if got := stops(mode, v); got != slices.Contains(at, v) {
				t.Errorf("--guard %s, %v: %v", mode, v, got)
			}
		}
	}
}
