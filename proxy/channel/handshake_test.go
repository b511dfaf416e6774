package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

func TestHandshakeAnswers(t *testing.T) {
	kms := json.RawMessage(`{"KMSKeyId":"key-1"}`)
	port := request(newAgent, Port, portProps).RequestedClientActions[0]
	for name, tc := range map[string]struct {
		actions []wire.RequestedAction
		key     error
		want    []wire.ActionStatus
		fails   string
	}{
		"port":         {[]wire.RequestedAction{port}, nil, []wire.ActionStatus{wire.ActionSuccess}, ""},
		"unknown":      {[]wire.RequestedAction{port, {ActionType: "Dance"}}, nil, []wire.ActionStatus{wire.ActionSuccess, wire.ActionUnsupported}, ""},
		"strange type": {[]wire.RequestedAction{{ActionType: wire.ActionSessionType, ActionParameters: json.RawMessage(`{"SessionType":"Opera"}`)}}, nil, []wire.ActionStatus{wire.ActionFailed}, `unknown session type "Opera"`},
		"no key":       {[]wire.RequestedAction{port, {ActionType: wire.ActionKMSEncryption, ActionParameters: kms}}, errors.New("AccessDenied"), []wire.ActionStatus{wire.ActionSuccess, wire.ActionFailed}, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, s *scripted) {
				opt := s.options()
				opt.GenerateDataKey = func(context.Context, string, map[string]string) ([]byte, []byte, error) { return nil, nil, tc.key }
				result := make(chan error, 1)
				go func() {
					c, err := Dial(t.Context(), opt)
					if c != nil {
						c.Close()
					}
					result <- err
				}()
				response := s.peer().shakeHands(wire.HandshakeRequest{AgentVersion: newAgent, RequestedClientActions: tc.actions})
				var got []wire.ActionStatus
				for _, a := range response.ProcessedClientActions {
					got = append(got, a.ActionStatus)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" || response.ClientVersion != wire.ClientVersion {
					t.Errorf("%s (-want +got):\n%s", response.ClientVersion, diff)
				}
				err := <-result
				var handshake *HandshakeError
				if (tc.fails != "") != errors.As(err, &handshake) || tc.fails != "" && !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("Dial: %v", err)
				}
			})
		})
	}
}

func TestHandshakeSilence(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		begin := time.Now()
		_, err := Dial(t.Context(), s.options())
		var handshake *HandshakeError
		if !errors.As(err, &handshake) || !errors.Is(err, ErrOpenTimeout) {
			t.Errorf("%v", err)
		}
		if d := time.Since(begin); d > 35*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// A command that reads before it writes gets what is typed: the session counts as open
// once the agent has taken the size, which it does when it is there.
func TestSilentSessionTakesInput(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		opt := s.options()
		opt.Silent = true
		result := make(chan error, 1)
		go func() {
			c, err := Dial(t.Context(), opt)
			if err == nil {
				_, err = c.Shell(t.Context(), proxy.Streams{In: strings.NewReader("typed\n"), Out: io.Discard}, ShellOptions{})
			}
			result <- err
		}()
		p := s.peer()
		time.Sleep(2 * opt.withDefaults().OpenTimeout) // the agent is late
		size := p.next(wire.InputStreamData)
		if size.PayloadType != wire.PayloadSize || string(size.Payload) != `{"cols":300,"rows":100}` {
			t.Errorf("%+v", size)
		}
		p.ack(size)
		begin := time.Now()
		typed := p.next(wire.InputStreamData)
		for ; typed.Seq == size.Seq; typed = p.next(wire.InputStreamData) { // it was sent again meanwhile
			p.ack(typed)
		}
		if string(typed.Payload) != "typed\n" || time.Since(begin) < quiet {
			t.Errorf("%q after %v", typed.Payload, time.Since(begin))
		}
		p.ack(typed)
		p.closed("")
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

// A silent session is waited for, and may still ask for a key when it begins, even after
// it was taken for one without a handshake.
func TestHandshakeAfterSilence(t *testing.T) {
	for name, pause := range map[string]time.Duration{"at once": 0, "late": 3 * quiet} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, s *scripted) {
				opt := s.options()
				opt.Silent = true
				opt.GenerateDataKey = func(ctx context.Context, _ string, _ map[string]string) ([]byte, []byte, error) {
					return make([]byte, dataKeySize), []byte("sealed"), ctx.Err()
				}
				result := make(chan error, 1)
				keys, typing := io.Pipe()
				go func() {
					c, err := Dial(t.Context(), opt)
					if err == nil {
						_, err = c.Shell(t.Context(), proxy.Streams{In: keys, Out: io.Discard}, ShellOptions{})
					}
					result <- err
				}()
				p := s.peer()
				time.Sleep(2 * opt.withDefaults().OpenTimeout)
				p.ack(p.next(wire.InputStreamData))
				for len(p.in) > 0 { // it was sent again meanwhile
					p.ack(p.next(wire.InputStreamData))
				}
				time.Sleep(pause)
				r := request(newAgent, InteractiveCommands, "{}")
				r.RequestedClientActions = append(r.RequestedClientActions,
					wire.RequestedAction{ActionType: wire.ActionKMSEncryption, ActionParameters: json.RawMessage(`{"KMSKeyId":"k"}`)})
				if response := p.shakeHands(r); len(response.Errors) > 0 {
					t.Error(response.Errors)
				}
				time.Sleep(time.Second)
				typing.Write([]byte("typed")) //nolint:errcheck // it never fails
				typed := p.next(wire.InputStreamData)
				if string(typed.Payload) == "typed" || len(typed.Payload) != len("typed")+overhead {
					t.Errorf("sent %q", typed.Payload)
				}
				p.closed("")
				if err := <-result; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestHandshakeClosed(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		result := make(chan error, 1)
		go func() {
			_, err := Dial(t.Context(), s.options())
			result <- err
		}()
		s.peer().closed("Plugin with name Port not found")
		err := <-result
		var closed *ClosedError
		if !errors.As(err, &closed) || !strings.Contains(err.Error(), "Plugin with name") {
			t.Errorf("%v", err)
		}
	})
}

// Nothing is sent for a moment after HandshakeComplete: agents would throw it away.
func TestSettlesAfterHandshake(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := portChannel(t, s)
		begin := time.Now()
		c.out.sendNow(wire.PayloadOutput, []byte("x"))
		p.next(wire.InputStreamData)
		if d := time.Since(begin); d < settle || d > 2*settle {
			t.Errorf("sent after %v", d)
		}
	})
}

func TestOpening(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		opt := s.options()
		opt.Sign = func(_ context.Context, r *http.Request) error {
			if r.Method != http.MethodGet || r.URL.Host != "mgs.test" || r.Host != "mgs.test" || r.URL.Query().Get("role") != "publish_subscribe" {
				t.Errorf("asked to sign %s %s", r.Method, r.URL)
			}
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/x")
			return nil
		}
		c, p := dialed(t, s, opt, request(newAgent, Port, portProps))
		if p.open.Token.Reveal() != "token-0" || p.open.ClientVersion != wire.ClientVersion || p.open.ClientID == "" || p.open.RequestID == "" {
			t.Errorf("first message %+v", p.open)
		}
		if got := s.header[0].Get("Authorization"); !strings.HasPrefix(got, "AWS4") {
			t.Errorf("Authorization %q", got)
		}
		p.ws.Close()
		again := s.peer()
		if again.open.Token.Reveal() != "token-1" || again.open.ClientID != p.open.ClientID {
			t.Errorf("first message after resuming %+v", again.open)
		}
		if s.header[1].Get("Authorization") == "" {
			t.Error("not signed again")
		}
		want := Info{SessionType: Port, AgentVersion: newAgent, Properties: PortProperties{PortNumber: "5432", Type: localPortForwarding}, Multiplexed: true}
		if diff := cmp.Diff(want, c.Info()); diff != "" {
			t.Errorf("info (-want +got):\n%s", diff)
		}
	})
}

func TestPresignedIsNotSigned(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		opt := s.options()
		opt.Session.StreamURL = proxy.NewSecret("ws://mgs.test/x?X-Amz-Signature=abc")
		opt.Sign = func(context.Context, *http.Request) error { t.Error("signed a presigned URL"); return nil }
		dialed(t, s, opt, request(newAgent, Port, portProps))
	})
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	for _, url := range []string{"::not a url hush", "http://mgs.test/hush", "ws://", "wss://mgs.test:hush/"} {
		_, err := Dial(t.Context(), Options{Session: &proxy.Session{StreamURL: proxy.NewSecret(url), Token: proxy.NewSecret("hush")}})
		if !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestNewerThan(t *testing.T) {
	for _, tc := range []struct {
		v, than string
		want    bool
	}{
		{"3.0.196.1", multiplexAbove, true}, {"3.0.196.0", multiplexAbove, false}, {"3.1.0.0", multiplexAbove, true},
		{"2.9.999.9", multiplexAbove, false}, {"10.0.0.0", multiplexAbove, true}, {"3.1", multiplexAbove, false},
		{"", multiplexAbove, false}, {"3.x.0.0", multiplexAbove, false}, {"3.1.0.0.0", multiplexAbove, false},
	} {
		if got := newerThan(tc.v, tc.than); got != tc.want {
			t.Errorf("newerThan(%q, %q) = %v", tc.v, tc.than, got)
		}
	}
}

// A refused websocket, which the plugin waits on for ever.
func TestRefusedWebsocket(t *testing.T) {
	for status, refused := range map[int]bool{403: true, 400: true, 503: false, 429: false} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			within(t, func(t *testing.T, s *scripted) {
				s.refuse(status)
				begin := time.Now()
				_, err := Dial(t.Context(), s.options())
				var answer *StatusError
				if !errors.As(err, &answer) || answer.Status != status || errors.Is(err, ErrRefused) != refused {
					t.Errorf("%v", err)
				}
				if d := time.Since(begin); refused && d > time.Second || d > 35*time.Second {
					t.Errorf("took %v", d)
				}
			})
		})
	}
}

// TestHandshakeOnce: an agent shakes hands once. Another handshake ends the session, during the
// first and after it, with a reason.
func TestHandshakeOnce(t *testing.T) {
	for name, when := range map[string]func(p *peer){
		"request again": func(p *peer) { p.json(1, wire.PayloadHandshakeRequest, request(newAgent, Port, portProps)) },
		"another later": func(p *peer) {
			p.json(1, wire.PayloadHandshakeComplete, wire.HandshakeComplete{})
			p.json(2, wire.PayloadHandshakeRequest, request(newAgent, InteractiveCommands, "{}"))
		},
		"complete again": func(p *peer) {
			p.json(1, wire.PayloadHandshakeComplete, wire.HandshakeComplete{})
			p.json(2, wire.PayloadHandshakeComplete, wire.HandshakeComplete{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, s *scripted) {
				result := make(chan error, 1)
				go func() {
					c, err := Dial(t.Context(), s.options())
					if err == nil {
						<-c.Done()
						err = c.Err()
						if c.Info().SessionType != Port {
							t.Errorf("the session has become %s", c.Info().SessionType)
						}
					}
					result <- err
				}()
				p := s.peer()
				p.json(0, wire.PayloadHandshakeRequest, request(newAgent, Port, portProps))
				when(p)
				if err := <-result; !errors.Is(err, errProtocol) || !strings.Contains(err.Error(), "another handshake") {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestHandshakeWishes: actions are few, and each is asked for once.
func TestHandshakeWishes(t *testing.T) {
	kms := wire.RequestedAction{ActionType: wire.ActionKMSEncryption, ActionParameters: json.RawMessage(`{"KMSKeyId":"k"}`)}
	many := make([]wire.RequestedAction, 17)
	for i := range many {
		many[i].ActionType = wire.ActionType(fmt.Sprint("Dance ", i))
	}
	for name, actions := range map[string][]wire.RequestedAction{"two keys": {kms, kms}, "many": many} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, s *scripted) {
				keys := 0
				opt := s.options()
				opt.GenerateDataKey = func(context.Context, string, map[string]string) ([]byte, []byte, error) {
					keys++
					return make([]byte, dataKeySize), []byte("sealed"), nil
				}
				result := make(chan error, 1)
				go func() {
					_, err := Dial(t.Context(), opt)
					result <- err
				}()
				s.peer().json(0, wire.PayloadHandshakeRequest, wire.HandshakeRequest{AgentVersion: newAgent, RequestedClientActions: actions})
				if err := <-result; !errors.Is(err, errProtocol) || keys > 1 {
					t.Errorf("%v, %d keys", err, keys)
				}
			})
		})
	}
}

// TestHandshakeEnds: an agent that has begun comes to an end, in sessions too that may be
// silent for as long as they like.
func TestHandshakeEnds(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		opt := s.options()
		opt.Silent = true
		result := make(chan error, 1)
		go func() {
			_, err := Dial(t.Context(), opt)
			result <- err
		}()
		p := s.peer()
		time.Sleep(time.Hour)
		begun := time.Now()
		p.json(0, wire.PayloadHandshakeRequest, request(newAgent, InteractiveCommands, "{}"))
		if err := <-result; !errors.Is(err, ErrOpenTimeout) {
			t.Errorf("%v", err)
		}
		if took, limit := time.Since(begun), opt.withDefaults().OpenTimeout; took < limit || took > 2*limit {
			t.Errorf("took %v", took)
		}
	})
}
