package ask

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
)

func TestTakeOwn(t *testing.T) {
	defaults := OwnOptions{Guard: configs.GuardOn, Plugin: OwnPlugin}
	with := func(change func(*OwnOptions)) OwnOptions {
		o := defaults
		change(&o)
		return o
	}
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want OwnOptions
		rest []string
		err  string
	}{
		{"none", []string{"--target", "i-1"}, nil, defaults, []string{"--target", "i-1"}, ""},
		{"all", []string{"--guard", "warn", "--t", "i-1", "--plugin=/p q", "--engine=native", "--peer", "any", "--no-cache", "--timings"}, nil,
			OwnOptions{Guard: configs.GuardWarn, Plugin: "/p q", Engine: configs.EngineNative, Peer: configs.PeerAny, NoCache: true, Timings: true}, []string{"--t", "i-1"}, ""},
		{"last wins", []string{"--guard=off", "--guard=strict"}, nil, with(func(o *OwnOptions) { o.Guard = configs.GuardStrict }), nil, ""},
		{"environment", nil, map[string]string{"SSMGUARD_GUARD": "off", "SSMGUARD_NO_CACHE": "1"},
			with(func(o *OwnOptions) { o.Guard = configs.GuardOff; o.NoCache = true }), nil, ""},
		{"option over environment", []string{"--guard", "on"}, map[string]string{"SSMGUARD_GUARD": "off"}, defaults, nil, ""},
		{"never abbreviated", []string{"--gua", "off", "--Guard=off"}, nil, defaults, []string{"--gua", "off", "--Guard=off"}, ""},
		{"behind --", []string{"--", "--guard", "off"}, nil, defaults, []string{"--", "--guard", "off"}, ""},
		{"bad choice", []string{"--guard=maybe"}, nil, defaults, nil, "--guard maybe: valid: on, warn, strict, off"},
		{"bad variable", nil, map[string]string{"SSMGUARD_TIMINGS": "yes"}, defaults, nil, "SSMGUARD_TIMINGS=yes: valid: true, false"},
		{"no value", []string{"--plugin"}, nil, defaults, nil, "--plugin needs a value"},
		{"empty value", []string{"--plugin="}, nil, defaults, nil, `--plugin : valid: "embedded", "auto" or a path`},
		{"value for a switch", []string{"--timings=no"}, nil, defaults, nil, "--timings takes no value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, rest, err := TakeOwn(tt.args, func(name string) string { return tt.env[name] })
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || exit.Code(err) != exit.Usage {
					t.Fatalf("error %v, want %q with code %d", err, tt.err, exit.Usage)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.rest, rest); diff != "" {
				t.Errorf("rest (-want +got):\n%s", diff)
			}
		})
	}
}
