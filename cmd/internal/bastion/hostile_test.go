package bastion

import (
	"bytes"
	"errors"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/route"
	"ssmguard/internal/safetext/safetexttest"
	"ssmguard/proxy"
)

// What AWS says of instances, groups and rules acts on no terminal, wherever it is printed.
func TestHostileWays(t *testing.T) {
	for _, text := range safetexttest.Texts {
		for _, v := range []route.Verdict{route.Unknown, route.Open, route.Blocked} {
			for _, kind := range []route.NeedKind{route.NeedFrom, route.NeedTo, route.NeedGroup, route.NeedList, route.NeedAddress, route.NeedSubnets, route.NeedHost, route.NeedOtherVPC} {
				var w Way
				safetexttest.Fill(&w, text)
				need := route.Need{Kind: kind, ID: text}
				w.Verdict, w.WrongPort, w.Needs, w.Proven = v, false, []route.Need{need}, v == route.Open
				w.Sides[0].Verdict, w.Sides[1].Verdict = v, route.Blocked
				w.Facts.Groups = map[string]route.Group{text: {Name: text}}
				for _, why := range []map[route.Need]unread{nil, {need: {permission: text}}, {need: {text, errors.New(text)}}} {
					w.unread = why
					var out bytes.Buffer
					events := report.NewEventText(&out, "ssmguard: ")
					for _, line := range w.Lines() {
						if err := events.Event(proxy.Event{Tunnel: "db", Note: line}); err != nil {
							t.Fatal(err)
						}
					}
					brief, do := w.Brief()
					if err := report.Checkup(&out, []report.Check{{Level: report.Fail, Name: "network", Text: brief, Do: do}}, 0, false); err != nil {
						t.Fatal(err)
					}
					c := candidate{Placed: awsiam.Placed{Node: awsiam.Node{ID: text, Name: text, State: text, Ping: text}}, way: w}
					p := &env.Process{Stdout: &out, Stderr: &out}
					exit.Report(p, nobody([]candidate{c}, configs.Tunnel{RDS: text}, text))
					exit.Report(p, exit.Usagef("%s", list([]candidate{c})))
					if fault := safetexttest.Fault(out.String()); fault != "" {
						t.Fatalf("%s %s: %s in\n%s", v, kind, fault, out.String())
					}
				}
			}
		}
	}
}
