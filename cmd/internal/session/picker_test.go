package session

import (
	"strings"
	"testing"

	"ssmguard/guard/awsiam"
)

var pickable = []awsiam.Node{
	{ID: "i-0aaaaaaaaaaaaaaa1", Name: "bastion", Platform: "Linux", State: "running", Ping: "Online"},
	{ID: "i-0bbbbbbbbbbbbbbb2", Name: "web-1", Platform: "Linux", State: "running", Ping: "Online"},
	{ID: "mi-0cccccccccccccc33", Name: "ware\x1bhouse", Platform: "Windows", Ping: "Online"},
}

func TestPickerPress(t *testing.T) {
	tests := []struct {
		name, keys string // reads, apart by a space
		want       choice
		id, query  string
	}{
		{"enter takes the first", "\r", picked, "i-0aaaaaaaaaaaaaaa1", ""},
		{"down, enter", "\x1b[B \r", picked, "i-0bbbbbbbbbbbbbbb2", ""},
		{"down, down, down, up", "\x1b[B\x1b[B\x1b[B\x1b[A \r", picked, "i-0bbbbbbbbbbbbbbb2", ""},
		{"application mode", "\x1bOB \r", picked, "i-0bbbbbbbbbbbbbbb2", ""},
		{"control keys", "\x0e\x0e\x10 \r", picked, "i-0bbbbbbbbbbbbbbb2", ""},
		{"a filter", "web \r", picked, "i-0bbbbbbbbbbbbbbb2", "web"},
		{"typed and sent at once", "windows\r", picked, "mi-0cccccccccccccc33", "windows"},
		{"backspace", "webx \x7f \r", picked, "i-0bbbbbbbbbbbbbbb2", "web"},
		{"all of it", "webx \x15 \r", picked, "i-0aaaaaaaaaaaaaaa1", ""},
		{"enter on nothing", "qqq \r", choosing, "", "qqq"},
		{"an unknown sequence", "\x1b[5~ \r", picked, "i-0aaaaaaaaaaaaaaa1", ""},
		{"escape", "\x1b", left, "", ""},
		{"Ctrl-C", "we \x03", left, "", "we"},
		{"the end of the input", "", left, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newPicker(pickable, 80, 10)
			got := choosing
			for read := range strings.SplitSeq(tt.keys, " ") {
				got = k.press([]byte(read))
			}
			if got != tt.want || k.query != tt.query {
				t.Errorf("%v with %q, want %v with %q", got, k.query, tt.want, tt.query)
			}
			if got == picked && k.nodes[k.found[k.at]].ID != tt.id {
				t.Errorf("picked %s, want %s", k.nodes[k.found[k.at]].ID, tt.id)
			}
		})
	}
}

func TestPickerDraw(t *testing.T) {
	k := newPicker(pickable, 30, 2)
	k.press([]byte("\x1b[B\x1b[B"))
	got := k.draw()
	if lines := strings.Split(string(got), "\r\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], "  web-1 ") || !strings.HasPrefix(lines[2], "> ware") {
		t.Errorf("drawn %q", got)
	}
	for line := range strings.SplitSeq(string(got), "\r\n") {
		if len(line) >= 30 {
			t.Errorf("%q is too wide", line)
		}
	}
	if got := k.wipe(); got != "\r\x1b[3A\x1b[J" {
		t.Errorf("wiped by %q", got)
	}
	if got := k.wipe(); got != "" {
		t.Errorf("wiped twice, by %q", got)
	}
}
