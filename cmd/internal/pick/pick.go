package pick

import (
	"context"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sahilm/fuzzy"
	"golang.org/x/term"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/safetext"
	"ssmguard/internal/screen"
)

// Item is one of the things to choose from.
type Item struct {
	Cells []string // its row, whose columns are aligned; what is typed is looked for in all
	Said  string   // what stays on the screen when it was chosen
}

// Possible reports whether one can choose: both ends have to be a terminal, which supports
// cursor movement.
func Possible(p *env.Process) bool {
	return env.IsTerminal(p.Stdin) && env.IsTerminal(p.Stderr) && p.ErrTerminal && p.Getenv("TERM") != "dumb"
}

// lookEvery is how often the terminal is asked for its size.
const lookEvery = 100 * time.Millisecond

// One shows items on the terminal and returns the index of the chosen one. what is the kind of
// the items, such as "target". Leaving the list is an interrupt, as with Ctrl-C.
func One(ctx context.Context, p *env.Process, what string, items []Item) (int, error) {
	in := env.FileOf(p.Stdin)
	if in == nil || !Possible(p) {
		return 0, exit.Usagef("a %s is chosen on a terminal", what)
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return 0, err
	}
	defer term.Restore(int(in.Fd()), state) //nolint:errcheck // the terminal is gone then
	k := newPicker(what, items)
	keys := newKeys(in)
	defer close(keys.want)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		safetext.Fprintf(p.Stderr, "%s", k.draw(env.Size(p.Stderr)))
		typed, err := keys.next(ctx, look.C, func() bool { return k.fits(env.Size(p.Stderr)) })
		if err != nil {
			safetext.Fprintf(p.Stderr, "%s", k.wipe())
			return 0, err
		}
		choice := choosing
		if typed != nil {
			choice = k.press(typed)
		}
		switch choice {
		case picked:
			at := k.found[k.at]
			safetext.Fprintf(p.Stderr, "%sssmguard: %s %s\r\n", k.wipe(), what, items[at].Said)
			return at, nil
		case left:
			safetext.Fprintf(p.Stderr, "%s", k.wipe())
			return 0, exit.EndWith(exit.Interrupt)
		}
	}
}

// keys reads a terminal only when a key is wanted, so that keys typed later are left
// for the session.
type keys struct {
	want    chan struct{}
	got     chan []byte // empty at the end of the input
	pending bool        // a key was asked for and has not come
}

// newKeys starts the reader. It ends when want is closed, or with the process if a read
// is under way: a terminal's read cannot be interrupted.
func newKeys(in io.Reader) *keys {
	k := &keys{want: make(chan struct{}), got: make(chan []byte, 1)}
	go func() {
		buf := make([]byte, 256)
		for range k.want {
			n, err := in.Read(buf)
			if err != nil {
				n = 0
			}
			k.got <- append([]byte{}, buf[:n]...)
		}
	}()
	return k
}

// next returns the bytes of the next read, or nil when a look finds that the list does not fit
// the terminal any more.
func (k *keys) next(ctx context.Context, look <-chan time.Time, fits func() bool) ([]byte, error) {
	if !k.pending {
		select {
		case k.want <- struct{}{}:
			k.pending = true
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	for {
		select {
		case b := <-k.got:
			k.pending = false
			return b, nil
		case <-look:
			if !fits() {
				return nil, nil
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// picker is a list that a typed query filters.
type picker struct {
	what          string
	lines         []string // one for each item
	query         string
	found         []int // indexes of the items that match the query, the best first
	at            int   // index in found
	columns, rows int   // of the terminal
	drawn         []int // widths of the lines on the screen above the cursor
}

// choice is the effect of a key.
type choice int

const (
	choosing choice = iota
	picked
	left
)

// The size that is taken for a terminal which tells none, or is too small for a list.
const (
	usualColumns, usualRows = 80, 24
	leastColumns, leastRows = 20, 5
	mostListed              = 12
)

// widestCell is the width after which a cell shifts those behind it.
const widestCell = 40

func newPicker(what string, items []Item) *picker {
	k := &picker{what: what, columns: usualColumns, rows: usualRows}
	var widths []int
	for _, item := range items {
		for i, cell := range item.Cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], min(utf8.RuneCountInString(safetext.Line(cell)), widestCell))
		}
	}
	for _, item := range items {
		var cells []string
		for i, cell := range item.Cells {
			if widths[i] > 0 {
				cells = append(cells, safetext.Sprintf("%-*s", widths[i], cell))
			}
		}
		k.lines = append(k.lines, strings.TrimRight(strings.Join(cells, "  "), " "))
	}
	k.filter()
	return k
}

func (k *picker) filter() {
	k.found, k.at = nil, 0
	if k.query == "" {
		for i := range k.lines {
			k.found = append(k.found, i)
		}
		return
	}
	for _, m := range fuzzy.Find(k.query, k.lines) {
		k.found = append(k.found, m.Index)
	}
}

// press handles the bytes of one read of the terminal.
func (k *picker) press(b []byte) choice {
	if len(b) == 0 || string(b) == "\x1b" {
		return left
	}
	for len(b) > 0 {
		if n, step := k.movement(b); n > 0 {
			k.move(step)
			b = b[n:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case r == 'C'-'@' || r == 'D'-'@':
			return left
		case (r == '\r' || r == '\n') && len(k.found) > 0:
			return picked
		case r == 'P'-'@':
			k.move(-1)
		case r == 'N'-'@':
			k.move(1)
		case r == 'U'-'@':
			k.query = ""
			k.filter()
		case r == 0x7f || r == '\b':
			if _, n := utf8.DecodeLastRuneInString(k.query); k.query != "" {
				k.query = k.query[:len(k.query)-n]
			}
			k.filter()
		case unicode.IsPrint(r):
			k.query += string(r)
			k.filter()
		}
	}
	return choosing
}

// movement returns the length of an escape sequence at the beginning of b, and the step of a
// key that moves: arrows, PageUp, PageDown, Home and End.
func (k *picker) movement(b []byte) (n, step int) {
	if len(b) < 3 || b[0] != '\x1b' || b[1] != '[' && b[1] != 'O' {
		return 0, 0
	}
	for n = 2; n < len(b) && (b[n] < '@' || b[n] > '~'); n++ {
	}
	n = min(n+1, len(b))
	all := len(k.lines)
	switch string(b[2:n]) {
	case "A":
		return n, -1
	case "B":
		return n, 1
	case "5~":
		return n, -k.listed()
	case "6~":
		return n, k.listed()
	case "H", "1~", "7~":
		return n, -all
	case "F", "4~", "8~":
		return n, all
	}
	return n, 0
}

func (k *picker) move(step int) {
	if len(k.found) > 0 {
		k.at = min(max(k.at+step, 0), len(k.found)-1)
	}
}

// listed returns how many items are shown at a time.
func (k *picker) listed() int { return min(k.rows-3, mostListed) }

// fits reports whether the list was drawn for a terminal of a size.
func (k *picker) fits(columns, rows int) bool {
	columns, rows = sizeOf(columns, rows)
	return columns == k.columns && rows == k.rows
}

func sizeOf(columns, rows int) (int, int) {
	if columns < leastColumns || rows < leastRows {
		return usualColumns, usualRows
	}
	return columns, rows
}

// draw returns the output that draws the list, for a terminal of a size, in place of the last
// one.
func (k *picker) draw(columns, rows int) safetext.Own {
	k.columns, k.rows = sizeOf(columns, rows)
	var b strings.Builder
	b.WriteString(string(k.wipe()))
	put := func(line string) {
		line = k.fit(line)
		b.WriteString(line + "\r\n")
		k.drawn = append(k.drawn, utf8.RuneCountInString(line))
	}
	put(safetext.Sprintf("%s (%d of %d): %s", k.what, len(k.found), len(k.lines), k.query))
	first := max(0, k.at-k.listed()+1)
	for i := first; i < min(len(k.found), first+k.listed()); i++ {
		mark := "  "
		if i == k.at {
			mark = "> "
		}
		put(mark + k.lines[k.found[i]])
	}
	put(keysText)
	return safetext.Own(b.String())
}

// keysText says which keys there are, the most important ones first.
const keysText = "Enter takes it, Esc leaves, arrows and PageUp/PageDown move, text filters"

// wipe returns the output that erases the list. A terminal that was made narrower since it was
// drawn has broken its lines.
func (k *picker) wipe() safetext.Own {
	erased := screen.Erase(k.columns, k.drawn...)
	k.drawn = nil
	return safetext.Own(erased)
}

// fit cuts a line to the screen's width: a wrapped line could not be erased.
func (k *picker) fit(line string) string {
	if runes := []rune(line); len(runes) >= k.columns {
		return string(runes[:k.columns-1])
	}
	return line
}
