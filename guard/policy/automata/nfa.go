package automata

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// NFA is a nondeterministic automaton over characters: state i goes on to i+1
// over token i. It recognizes the values of one key that one comparison accepts.
type NFA struct {
	tokens []token
	jumps  []jump // made without a character, besides those over stars
	start  []int
	accept []int
}

type jump struct{ from, to int }

type token struct {
	kind tokenKind
	r    rune
	set  string // the characters of tokSet and tokSetStar
}

type tokenKind uint8

const (
	tokLiteral tokenKind = iota
	tokFold              // the character in either case
	tokAny
	tokAnyButColon
	tokStar
	tokStarButColon
	tokSet
	tokSetStar
	tokNever // takes nothing
)

func (t token) takes(r rune) bool {
	switch t.kind {
	case tokLiteral:
		return r == t.r
	case tokFold:
		return r == t.r || unicode.ToLower(r) == unicode.ToLower(t.r)
	case tokAnyButColon, tokStarButColon:
		return r != ':'
	case tokSet, tokSetStar:
		return strings.ContainsRune(t.set, r)
	case tokNever:
		return false
	}
	return true
}

func (t token) stays() bool {
	return t.kind == tokStar || t.kind == tokStarButColon || t.kind == tokSetStar
}

// Literal accepts one text, in either case if it folds.
func Literal(text string, fold bool) NFA {
	var n NFA
	for _, r := range text {
		t := token{kind: tokLiteral, r: r}
		if fold {
			t.kind = tokFold
		}
		n.tokens = append(n.tokens, t)
	}
	n.start, n.accept = []int{0}, []int{len(n.tokens)}
	return n
}

// The wildcards of a pattern: two bytes that no text contains.
const (
	Star  = '\xff' // any run of characters
	Quest = '\xfe' // any one
)

// Glob accepts what a pattern matches, whose wildcards stop at colons before index
// free.
func Glob(text string, free int) NFA {
	var n NFA
	for i := 0; i < len(text); {
		size := 1
		t := token{kind: tokLiteral}
		switch text[i] {
		case Star:
			t.kind = tokStar
		case Quest:
			t.kind = tokAny
		default:
			t.r, size = utf8.DecodeRuneInString(text[i:])
		}
		if t.kind != tokLiteral && i < free {
			t.kind++ // its variant that stops at colons
		}
		n.tokens = append(n.tokens, t)
		i += size
	}
	n.start, n.accept = []int{0}, []int{len(n.tokens)}
	return n
}

// Inner accepts the pieces of subject that can stand between what head and
// tail match: from an index where head accepts the text before it to one where
// tail accepts the text behind it.
func Inner(subject string, fold bool, head, tail func(int) bool) NFA {
	n := Literal(subject, fold)
	n.start, n.accept = nil, nil
	state := 0
	for i := range subject + "." { // one step more than subject has characters
		if head(i) {
			n.start = append(n.start, state)
		}
		if tail(i) {
			n.accept = append(n.accept, state)
		}
		state++
	}
	return n
}

// Within accepts head, then what n accepts, then tail.
func (n NFA) Within(head, tail string) NFA {
	before, behind := Literal(head, false), Literal(tail, false)
	wall := []token{{kind: tokNever}}
	out := NFA{tokens: slices.Concat(before.tokens, wall, n.tokens, wall, behind.tokens), start: []int{0}}
	from := len(before.tokens) + 1
	to := from + len(n.tokens) + 1
	for _, s := range n.start {
		out.jumps = append(out.jumps, jump{from - 1, from + s})
	}
	for _, j := range n.jumps {
		out.jumps = append(out.jumps, jump{from + j.from, from + j.to})
	}
	for _, s := range n.accept {
		out.jumps = append(out.jumps, jump{from + s, to})
	}
	out.accept = []int{len(out.tokens)}
	return out
}

// Or accepts what either accepts.
func (n NFA) Or(o NFA) NFA {
	from := len(n.tokens) + 1
	n.tokens = slices.Concat(n.tokens, []token{{kind: tokNever}}, o.tokens)
	n.start, n.accept, n.jumps = slices.Clone(n.start), slices.Clone(n.accept), slices.Clone(n.jumps)
	for _, s := range o.start {
		n.start = append(n.start, from+s)
	}
	for _, s := range o.accept {
		n.accept = append(n.accept, from+s)
	}
	for _, j := range o.jumps {
		n.jumps = append(n.jumps, jump{from + j.from, from + j.to})
	}
	return n
}

// Between accepts what n accepts with head before and tail behind it.
func (n NFA) Between(head, tail string) NFA {
	states := n.close(slices.Clone(n.start))
	for _, r := range head {
		states = n.step(states, r)
	}
	out := NFA{tokens: n.tokens, jumps: n.jumps, start: states}
	for s := range len(n.tokens) + 1 {
		ends := n.close([]int{s})
		for _, r := range tail {
			ends = n.step(ends, r)
		}
		if n.accepts(ends) {
			out.accept = append(out.accept, s)
		}
	}
	return out
}

// close adds the states that are reached without a character.
func (n *NFA) close(states []int) []int {
	var reached []bool // instead of looking through many states
	if len(states) > costlyStates {
		reached = make([]bool, len(n.tokens)+1)
		for _, s := range states {
			reached[s] = true
		}
	}
	add := func(s int) {
		switch {
		case reached == nil && slices.Contains(states, s), reached != nil && reached[s]:
			return
		case reached != nil:
			reached[s] = true
		}
		states = append(states, s)
	}
	for i := 0; i < len(states); i++ {
		s := states[i]
		if s < len(n.tokens) && n.tokens[s].stays() {
			add(s + 1)
		}
		for _, j := range n.jumps {
			if j.from == s {
				add(j.to)
			}
		}
	}
	slices.Sort(states)
	return slices.Compact(states)
}

func (n *NFA) step(states []int, r rune) []int {
	var next []int
	for _, s := range states {
		if s >= len(n.tokens) || !n.tokens[s].takes(r) {
			continue
		}
		if n.tokens[s].stays() {
			next = append(next, s)
		} else {
			next = append(next, s+1)
		}
	}
	return n.close(next)
}

// Accepts reports whether the automaton accepts a text.
func (n *NFA) Accepts(text string) bool {
	states := n.close(slices.Clone(n.start))
	for _, r := range text {
		states = n.step(states, r)
	}
	return n.accepts(states)
}

func (n *NFA) accepts(states []int) bool {
	for _, s := range states {
		if slices.Contains(n.accept, s) {
			return true
		}
	}
	return false
}

// classBudget bounds the states that one call of Classes visits.
const classBudget = 4000

// walk is a text read so far and the states each automaton is in.
type walk struct {
	text   string
	states [][]int
}

// key tells walks apart by their states.
func (w *walk) key() string {
	var b strings.Builder
	for _, l := range w.states {
		for _, s := range l {
			b.WriteRune(rune(s))
		}
		b.WriteByte(0xff)
	}
	return b.String()
}

// accepting tells which automata accept the text.
func (w *walk) accepting(automata []NFA) []bool {
	vector := make([]bool, len(automata))
	for i := range automata {
		vector[i] = automata[i].accepts(w.states[i])
	}
	return vector
}

// step reads one more character.
func (w *walk) step(automata []NFA, r rune) walk {
	next := walk{text: w.text + string(r), states: make([][]int, len(automata))}
	for i := range automata {
		next.states[i] = automata[i].step(w.states[i], r)
	}
	return next
}

// costlyStates is how many states an automaton may be in at the cost of one step.
const costlyStates = 8

// cost is how many steps it took to read the last character.
func (w *walk) cost() int {
	n := 0
	for _, states := range w.states {
		n += 1 + len(states)/costlyStates
	}
	return n
}

// Class is one text of those that the same automata accept.
type Class struct {
	Text    string
	Matches bool // some automaton accepts it
}

// Classes returns, for every combination of automata that some text of the form
// satisfies, one text that does, and whether these are all combinations. Without
// a form every text counts, the empty one as a class of its own. The steps are
// taken from left.
func Classes(automata []NFA, form *NFA, left *int) ([]Class, bool) {
	if form != nil {
		automata = append(slices.Clone(automata), *form)
	}
	letters := alphabet(automata)
	first := walk{states: make([][]int, len(automata))}
	for i := range automata {
		first.states[i] = automata[i].close(slices.Clone(automata[i].start))
	}
	queue := []walk{first}
	visited := map[string]bool{} // without first: the empty text is a class of its own
	found := map[string]bool{}
	var out []Class
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		vector := w.accepting(automata)
		if form != nil && !vector[len(vector)-1] {
			// no value looks like this
		} else if key := fmt.Sprint(w.text == "", vector); !found[key] {
			found[key] = true
			out = append(out, Class{w.text, form == nil && slices.Contains(vector, true) || form != nil && slices.Contains(vector[:len(vector)-1], true)})
		}
		for _, r := range letters {
			next := w.step(automata, r)
			*left -= next.cost()
			if form != nil && len(next.states[len(automata)-1]) == 0 {
				continue // no value begins like this
			}
			if k := next.key(); !visited[k] {
				if len(visited) >= classBudget || *left < 0 {
					return out, false
				}
				visited[k] = true
				queue = append(queue, next)
			}
		}
	}
	return out, true
}

// alphabet returns the characters that automata tell apart: those they name, one
// for each combination of sets, and one that none of them names.
func alphabet(automata []NFA) []rune {
	seen := map[rune]bool{}
	var out []rune
	add := func(r rune) {
		if !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	sets := map[string]bool{}
	for i := range automata {
		for _, t := range automata[i].tokens {
			switch t.kind {
			case tokLiteral:
				add(t.r)
			case tokFold:
				add(t.r)
				add(unicode.ToLower(t.r))
				add(unicode.ToUpper(t.r))
			case tokAnyButColon, tokStarButColon:
				add(':')
			case tokSet, tokSetStar:
				sets[t.set] = true
			}
		}
	}
	named := slices.Sorted(maps.Keys(sets))
	alike := map[string]bool{}
	for _, r := range strings.Join(named, "") {
		var in strings.Builder
		for _, set := range named {
			in.WriteByte("01"[min(1, strings.Count(set, string(r)))])
		}
		if !seen[r] && !alike[in.String()] {
			alike[in.String()] = true
			add(r)
		}
	}
	for r := 'a'; ; r++ {
		if !seen[r] && !strings.ContainsRune(strings.Join(named, ""), r) {
			add(r)
			return out
		}
	}
}
