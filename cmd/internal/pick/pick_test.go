package pick

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/safetext/safetexttest"
)

var pickable = []Item{
	{Cells: []string{"bastion", "i-0aaaaaaaaaaaaaaa1", "", "Linux"}},
	{Cells: []string{"web-1", "i-0bbbbbbbbbbbbbbb2", "Environment=production", "Linux"}},
	{Cells: []string{"ware\x1bhouse", "mi-0cccccccccccccc33", "", "Windows"}},
}

func TestPress(t *testing.T) {
	tests := []struct {
		name, keys string // reads, apart by a space
		want       choice
		found      int
		query      string
	}{
		{"enter takes the first", "\r", picked, 0, ""},
		{"down, enter", "\x1b[B \r", picked, 1, ""},
		{"down, down, down, up", "\x1b[B\x1b[B\x1b[B\x1b[A \r", picked, 1, ""},
		{"application mode", "\x1bOB \r", picked, 1, ""},
		{"control keys", "\x0e\x0e\x10 \r", picked, 1, ""},
		{"page down", "\x1b[6~ \r", picked, 2, ""},
		{"page down, page up", "\x1b[6~\x1b[5~ \r", picked, 0, ""},
		{"end", "\x1b[F \r", picked, 2, ""},
		{"end, home", "\x1b[F\x1b[H \r", picked, 0, ""},
		{"a filter", "web \r", picked, 1, "web"},
		{"a tag", "production \r", picked, 1, "production"},
		{"typed and sent at once", "windows\r", picked, 2, "windows"},
		{"backspace", "webx \x7f \r", picked, 1, "web"},
		{"all of it", "webx \x15 \r", picked, 0, ""},
		{"enter on nothing", "qqq \r", choosing, -1, "qqq"},
		{"an unknown sequence", "\x1b[15~ \r", picked, 0, ""},
		{"escape", "\x1b", left, 0, ""},
		{"Ctrl-C", "we \x03", left, 1, "we"},
		{"the end of the input", "", left, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newPicker("target", pickable)
			got := choosing
			for read := range strings.SplitSeq(tt.keys, " ") {
				got = k.press([]byte(read))
			}
			found := -1
			if len(k.found) > 0 {
				found = k.found[k.at]
			}
			if got != tt.want || k.query != tt.query || found != tt.found {
				t.Errorf("%v, %d with %q, want %v, %d with %q", got, found, k.query, tt.want, tt.found, tt.query)
			}
		})
	}
}

func TestDraw(t *testing.T) {
	k := newPicker("target", pickable)
	want := "target (3 of 3): \r\n" +
		"> bastion        i-0aaaaaaaaaaaaaaa1                           Linux\r\n" +
		"  web-1          i-0bbbbbbbbbbbbbbb2   Environment=production  Linux\r\n" +
		"  ware\\x1bhouse  mi-0cccccccccccccc33                          Windows\r\n" +
		"Enter takes it, Esc leaves, arrows and PageUp/PageDown move, text filters\r\n"
	if diff := cmp.Diff(want, string(k.draw(80, 24))); diff != "" {
		t.Error(diff)
	}
	if !k.fits(80, 24) || k.fits(40, 24) {
		t.Error("fits another size, or not its own")
	}
	k.press([]byte("\x1b[B\x1b[B"))
	// The lines of before are 17, 59, 67, 69 and 73 columns wide: the narrower terminal has
	// broken them into 1, 2, 2, 2 and 2. It has room for two items.
	want = "\r\x1b[9A\x1b[Jtarget (3 of 3): \r\n" +
		"  web-1          i-0bbbbbbbbbbbbbbb2   \r\n" +
		"> ware\\x1bhouse  mi-0cccccccccccccc33  \r\n" +
		"Enter takes it, Esc leaves, arrows and \r\n"
	if diff := cmp.Diff(want, string(k.draw(40, 5))); diff != "" {
		t.Error(diff)
	}
	if got := k.wipe(); got != "\r\x1b[4A\x1b[J" {
		t.Errorf("wiped by %q", got)
	}
	if got := k.wipe(); got != "" {
		t.Errorf("wiped twice, by %q", got)
	}
}

// TestHostile: what names and tags say does nothing to the terminal.
func TestHostile(t *testing.T) {
	for _, text := range safetexttest.Texts {
		for _, columns := range []int{0, 20, 80, 1000} {
			k := newPicker("target", []Item{{Cells: []string{text, text}, Said: text}, {Cells: []string{text}}})
			drawn := strings.ReplaceAll(string(k.draw(columns, 24)), "\r\n", "\n")
			if fault := safetexttest.Fault(drawn); fault != "" {
				t.Errorf("%d columns: %s", columns, fault)
			}
		}
	}
}

// TestManyItems: the list never fills the terminal, so that it can be erased.
func TestManyItems(t *testing.T) {
	var items []Item
	for i := range 100 {
		items = append(items, Item{Cells: []string{fmt.Sprintf("web-%d", i)}})
	}
	for _, rows := range []int{5, 10, 24, 200} {
		k := newPicker("target", items)
		k.press([]byte("\x1b[F"))
		if lines := strings.Count(string(k.draw(80, rows)), "\r\n"); lines >= rows || lines < 4 {
			t.Errorf("%d lines on %d", lines, rows)
		}
	}
}
