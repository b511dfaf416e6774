package safetexttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Hostile is text of others that tries everything which a line of a terminal or a log
// can be made to do: controls of 7 and 8 bits, changes of direction, invisible and tag
// characters, separators, lines that begin as ours or as the AWS CLI's, and commands to
// CI runners. It is harmless where it works.
const Hostile = "a\x1b[31m\u009b2J\u202e\u2066\u200f\u061c\u200b\ufeff\U000e0041\x7f\u2028\u2029b" +
	"\nssmguard: forged\n  ssmguard: forged\raws: forged\n::error::forged\r\n\t::stop-commands::forged\n##vso[task.forged]##[forged]c"

// Beginning is text of others whose first line begins as one of ours.
const Beginning = "ssmguard: forged"

// Command is text of others whose first line is a command to a CI runner.
const Command = "::error::forged"

// Texts are all of them.
var Texts = []string{Hostile, Beginning, Command}

// deepest is how many pointers, lists and structs Fill follows: types may hold
// themselves.
const deepest = 8

// Fill sets every exported field of what a pointer points to, and everything in these:
// strings and the texts of errors are text, numbers 1, lists and maps have one element.
func Fill(pointer any, text string) { fill(reflect.ValueOf(pointer).Elem(), text, 0) }

func fill(v reflect.Value, text string, depth int) {
	if !v.CanSet() || depth > deepest {
		return
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text, depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text, depth+1)
		fill(value, text, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, depth+1)
		}
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[error]() {
			v.Set(reflect.ValueOf(errors.New(text)))
		}
	}
}

// Fault says what text of others, of Texts, can do in an output, "" for nothing. colours
// are what the printer itself may write besides text.
func Fault(output string, colours ...string) string {
	for _, c := range colours {
		output = strings.ReplaceAll(output, c, "")
	}
	if !utf8.ValidString(output) {
		return fmt.Sprintf("bytes that are no text: %q", output)
	}
	for line := range strings.SplitSeq(output, "\n") {
		for _, r := range line {
			if r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
				return fmt.Sprintf("%U in %q", r, line)
			}
		}
		begin := strings.TrimSpace(line)
		for _, forged := range []string{"ssmguard: forged", "aws: forged", "::"} {
			if strings.HasPrefix(begin, forged) {
				return fmt.Sprintf("a line begins with %s: %q", forged, line)
			}
		}
		for _, command := range []string{"##vso[", "##["} {
			if strings.Contains(line, command) {
				return fmt.Sprintf("%s in %q", command, line)
			}
		}
	}
	return ""
}

// FaultJSON is Fault for JSON, one value or more.
func FaultJSON(output string) string {
	d := json.NewDecoder(strings.NewReader(output))
	for d.More() {
		var v any
		if err := d.Decode(&v); err != nil {
			return fmt.Sprintf("%v: %q", err, output)
		}
	}
	return Fault(output)
}
