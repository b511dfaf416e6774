package session

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sahilm/fuzzy"
	"golang.org/x/term"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/safetext"
)

// canPick reports whether a target can be chosen: the terminal has to support cursor
// movement.
func canPick(p *env.Process) bool {
	return env.IsTerminal(p.Stdin) && p.ErrTerminal && p.Getenv("TERM") != "dumb"
}

// pickTarget asks the user for the target of a command line without one.
func pickTarget(ctx context.Context, line *ask.Line) error {
	nodes, region, err := connected(ctx, line)
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		return exit.Coded(fmt.Sprintf("no target is connected in %s; see \"ssmguard doctor --target TARGET\" for why one is not", region), exit.Refused)
	}
	id, err := pick(ctx, line.Process, nodes)
	if err == nil {
		line.Call.Fill(awscli.Input{Target: id})
	}
	return err
}

// connected lists the targets that can take a session now.
func connected(ctx context.Context, l *ask.Line) (nodes []awsiam.Node, region string, err error) {
	conf, err := awsconf.Load(ctx, awsconf.Options{Globals: l.Call.Globals, Files: l.Process.AWSFiles(), Prompt: l.Prompter()})
	if err != nil {
		return nil, "", err
	}
	if _, err := conf.Credentials.Retrieve(ctx); err != nil {
		return nil, "", err
	}
	evidence := l.Gather(conf)
	defer evidence.Close()
	defer l.Process.ShowStatus("looking for targets in " + conf.Region)()
	all, err := evidence.Nodes(ctx, conf.Region)
	for _, n := range all {
		if n.Ping == "Online" || n.Ping == "" && n.State == "running" && err != nil {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) > 0 {
		err = nil
	}
	return nodes, conf.Region, err
}

// pick shows the nodes on the terminal and returns the id of the chosen one. Leaving
// the list is an interrupt, as with Ctrl-C.
func pick(ctx context.Context, p *env.Process, nodes []awsiam.Node) (string, error) {
	in, out := env.FileOf(p.Stdin), env.FileOf(p.Stderr)
	if in == nil || out == nil {
		return "", exit.Usagef("a target is chosen on a terminal; name one with --target")
	}
	width, height, err := term.GetSize(int(out.Fd()))
	if err != nil || width < 20 || height < 4 {
		width, height = 80, 24
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", err
	}
	defer term.Restore(int(in.Fd()), state) //nolint:errcheck // the terminal is gone then
	k := newPicker(nodes, width, min(height-2, 12))
	keys := newKeys(in)
	defer close(keys.want)
	for {
		safetext.Fprintf(p.Stderr, "%s", k.draw())
		typed, err := keys.next(ctx)
		if err != nil {
			safetext.Fprintf(p.Stderr, "%s", k.wipe())
			return "", err
		}
		switch k.press(typed) {
		case picked:
			safetext.Fprintf(p.Stderr, "%s", k.wipe())
			return k.nodes[k.found[k.at]].ID, nil
		case left:
			safetext.Fprintf(p.Stderr, "%s", k.wipe())
			return "", exit.EndWith(exit.Interrupt)
		}
	}
}

// keys reads a terminal only when a key is wanted, so that keys typed later are left
// for the session.
type keys struct {
	want chan struct{}
	got  chan []byte // nil at the end of the input
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
			k.got <- append([]byte(nil), buf[:n]...)
		}
	}()
	return k
}

func (k *keys) next(ctx context.Context) ([]byte, error) {
	select {
	case k.want <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case b := <-k.got:
		return b, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// picker is a list that a typed query filters.
type picker struct {
	nodes []awsiam.Node
	lines []string // one for each node
	query string
	found []int // indexes of the nodes that match the query, the best first
	at    int   // index in found
	width int
	rows  int // of the list
	drawn int // lines on the screen above the cursor
}

// choice is the effect of a key.
type choice int

const (
	choosing choice = iota
	picked
	left
)

func newPicker(nodes []awsiam.Node, columns, rows int) *picker {
	k := &picker{nodes: nodes, width: columns, rows: rows}
	width := func(text string) int { return utf8.RuneCountInString(safetext.Line(text)) }
	name, id, platform := 4, 4, 4
	for _, n := range nodes {
		name, id, platform = max(name, width(n.Name)), max(id, width(n.ID)), max(platform, width(n.Platform))
	}
	for _, n := range nodes {
		state := strings.TrimSpace(n.State + " " + strings.ToLower(n.Ping))
		k.lines = append(k.lines, strings.TrimRight(safetext.Sprintf("%-*s  %-*s  %-*s  %s", min(name, 40), n.Name, id, n.ID, min(platform, 16), n.Platform, state), " "))
	}
	k.filter()
	return k
}

func (k *picker) filter() {
	k.found, k.at = nil, 0
	if k.query == "" {
		for i := range k.nodes {
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
		if n, step := arrow(b); n > 0 {
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

// arrow returns the length of an escape sequence at the beginning of b, and the step of
// an arrow key.
func arrow(b []byte) (n, step int) {
	if len(b) < 3 || b[0] != '\x1b' || b[1] != '[' && b[1] != 'O' {
		return 0, 0
	}
	for n = 2; n < len(b) && (b[n] < '@' || b[n] > '~'); n++ {
	}
	n = min(n+1, len(b))
	switch b[n-1] {
	case 'A':
		return n, -1
	case 'B':
		return n, 1
	}
	return n, 0
}

func (k *picker) move(step int) {
	if len(k.found) > 0 {
		k.at = min(max(k.at+step, 0), len(k.found)-1)
	}
}

// draw returns the output that draws the list in place of the last one.
func (k *picker) draw() safetext.Own {
	var b strings.Builder
	b.WriteString(string(k.wipe()))
	fmt.Fprintf(&b, "%s\r\n", k.fit(fmt.Sprintf("target (%d of %d): %s", len(k.found), len(k.nodes), k.query)))
	first := max(0, k.at-k.rows+1)
	k.drawn = 1
	for i := first; i < min(len(k.found), first+k.rows); i++ {
		mark := "  "
		if i == k.at {
			mark = "> "
		}
		fmt.Fprintf(&b, "%s\r\n", k.fit(mark+k.lines[k.found[i]]))
		k.drawn++
	}
	return safetext.Own(b.String())
}

// wipe returns the output that erases the list.
func (k *picker) wipe() safetext.Own {
	if k.drawn == 0 {
		return ""
	}
	n := k.drawn
	k.drawn = 0
	return safetext.Own(fmt.Sprintf("\r\x1b[%dA\x1b[J", n))
}

// fit cuts a line to the screen's width: a wrapped line could not be erased.
func (k *picker) fit(line string) string {
	if runes := []rune(line); len(runes) >= k.width {
		return string(runes[:k.width-1])
	}
	return line
}
