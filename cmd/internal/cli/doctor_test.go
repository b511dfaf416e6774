package cli

import (
	"testing"
	"time"

	"ssmguard/cmd/internal/report"
)

func TestClock(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		theirs time.Time
		want   report.Level
	}{
		{now, report.OK},
		{now.Add(-20 * time.Second), report.OK},
		{now.Add(time.Minute), report.Warn},
		{now.Add(-6 * time.Minute), report.Fail},
		{now.Add(6 * time.Minute), report.Fail},
		{time.Time{}, report.Warn},
	}
	for _, tt := range tests {
		if got := clock(tt.theirs, now); got.Level != tt.want || got.Text == "" || got.Level == report.Fail && got.Do == "" {
			t.Errorf("clock at %s: %+v, want %s", tt.theirs, got, tt.want)
		}
	}
}

func TestMessagesEndpoint(t *testing.T) {
	tests := map[string]string{
		"https://ssm.us-east-1.amazonaws.com":      "https://ssmmessages.us-east-1.amazonaws.com",
		"https://ssm-fips.us-east-1.amazonaws.com": "https://ssmmessages-fips.us-east-1.amazonaws.com",
		"https://ssm.cn-north-1.amazonaws.com.cn":  "https://ssmmessages.cn-north-1.amazonaws.com.cn",
		"https://ssm.us-east-1.api.aws":            "https://ssmmessages.us-east-1.api.aws",
		"http://127.0.0.1:8080":                    "",
		"https://vpce-1.ssm.example.com":           "",
	}
	for in, want := range tests {
		if got := messagesEndpoint(in); got != want {
			t.Errorf("messagesEndpoint(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestProxyPasswordIsNotShown(t *testing.T) {
	for in, want := range map[string]string{
		"http://me:secret@proxy:3128": "http://me:xxxxx@proxy:3128",
		"http://me:se%c@t@proxy:3128": "http://me:xxxxx@proxy:3128",
		"me:secret@proxy:3128":        "me:xxxxx@proxy:3128",
		"http://me@proxy:3128":        "http://me@proxy:3128",
		"http://proxy:3128":           "http://proxy:3128",
		"localhost,.internal":         "localhost,.internal",
	} {
		if got := withoutPassword(in); got != want {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
}
