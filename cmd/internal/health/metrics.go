package health

import (
	"strconv"
	"strings"
	"time"

	"ssmguard/cmd/internal/keeper"
	"ssmguard/proxy"
)

// contentType is that of Prometheus' text format, whose rules metrics follows:
// https://prometheus.io/docs/instrumenting/exposition_formats/.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// family is one metric, with a value for each tunnel.
type family struct {
	name, kind, help string
	// value returns the value of a tunnel; false if it has none, because it is not known or not of
	// that kind.
	value func(keeper.Status) (float64, bool)
}

// families are the metrics of a tunnel beside its state.
var families = []family{
	{"ssmguard_tunnel_ready", "gauge", "Whether the tunnel takes connections.", func(s keeper.Status) (float64, bool) {
		if s.Takes() {
			return 1, true
		}
		return 0, true
	}},
	{"ssmguard_tunnel_sent_bytes_total", "counter", "Bytes to the far side.", number(func(s keeper.Status) int64 { return s.Up })},
	{"ssmguard_tunnel_received_bytes_total", "counter", "Bytes from the far side.", number(func(s keeper.Status) int64 { return s.Down })},
	{"ssmguard_tunnel_connections", "gauge", "Connections that are open.", number(func(s keeper.Status) int64 { return int64(s.Open) })},
	{"ssmguard_tunnel_connections_opened_total", "counter", "Connections since the start.", number(func(s keeper.Status) int64 { return int64(s.Opened) })},
	{"ssmguard_tunnel_connections_refused_total", "counter", "Connections that were refused because they were of other users.", number(func(s keeper.Status) int64 { return int64(s.Refused) })},
	{"ssmguard_tunnel_sessions_total", "counter", "Sessions since the start.", number(func(s keeper.Status) int64 { return int64(s.Sessions) })},
	{"ssmguard_tunnel_reconnects_total", "counter", "Times the tunnel was lost and became ready again.", number(func(s keeper.Status) int64 { return int64(s.Reconnects) })},
	{"ssmguard_tunnel_destinations", "gauge", "Hosts and ports behind a proxy that have a session.", func(s keeper.Status) (float64, bool) {
		return float64(s.Destinations), s.IsProxy()
	}},
	{"ssmguard_tunnel_round_trip_seconds", "gauge", "Time until the far side acknowledges what was sent.", func(s keeper.Status) (float64, bool) {
		return s.RoundTripMs / 1000, s.RoundTripMs > 0
	}},
	{"ssmguard_tunnel_path_bytes_per_second", "gauge", "What the way to the far side was found to carry.", func(s keeper.Status) (float64, bool) {
		return float64(s.Rate), s.Rate > 0
	}},
	{"ssmguard_tunnel_credentials_expire_timestamp_seconds", "gauge", "When the credentials expire, as a Unix time.", func(s keeper.Status) (float64, bool) {
		return float64(s.Expires.UnixMilli()) / 1000, !s.Expires.IsZero()
	}},
	{"ssmguard_tunnel_state_since_timestamp_seconds", "gauge", "Since when the tunnel has its state, as a Unix time.", func(s keeper.Status) (float64, bool) {
		return float64(s.Since.Truncate(time.Millisecond).UnixMilli()) / 1000, !s.Since.IsZero()
	}},
}

// number is the value of a whole number, which every tunnel has.
func number(of func(keeper.Status) int64) func(keeper.Status) (float64, bool) {
	return func(s keeper.Status) (float64, bool) { return float64(of(s)), true }
}

// metrics returns the numbers of tunnels.
func metrics(all []keeper.Status) string {
	var b strings.Builder
	head(&b, "ssmguard_tunnel_state", "gauge", "The state of the tunnel: 1 for the one that it has, 0 for the others.")
	for _, s := range all {
		for state := proxy.Idle; state <= proxy.GaveUp; state++ {
			value := 0.0
			if s.Name == state.String() {
				value = 1
			}
			sample(&b, "ssmguard_tunnel_state", value, "tunnel", s.Tunnel, "state", state.String())
		}
	}
	for _, f := range families {
		head(&b, f.name, f.kind, f.help)
		for _, s := range all {
			if value, has := f.value(s); has {
				sample(&b, f.name, value, "tunnel", s.Tunnel)
			}
		}
	}
	return b.String()
}

// head writes the lines that say what a metric is.
func head(b *strings.Builder, name, kind, help string) {
	b.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// sample writes one value, with its labels as pairs of a name and a value.
func sample(b *strings.Builder, name string, value float64, labels ...string) {
	b.WriteString(name + "{")
	for i := 0; i < len(labels); i += 2 {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(labels[i] + `="` + quoted(labels[i+1]) + `"`)
	}
	b.WriteString("} " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
}

// quoted is the value of a label: in UTF-8, with backslashes, quotes and ends of lines escaped.
func quoted(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(value, "\uFFFD"))
}
