package who

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ssmguard/internal/safetext"
	"ssmguard/internal/usertext"
)

// output is a command of the AWS CLI whose output is read: of each list that is known, element by
// element, so that memory does not grow with the file. Pages may follow one another.
type output struct {
	command string                               // "aws iam get-account-authorization-details"
	lists   map[string]func(*json.Decoder) error // by their names
}

// errNotPrinted is the error of a file that is something else.
func (o output) notPrinted(path string) error {
	return fmt.Errorf("%s: no JSON that %q prints", path, o.command)
}

// read reads the pages of a file. whole is false if there are more pages than the file has.
func (o output) read(path string, in io.Reader) (whole bool, err error) {
	d := json.NewDecoder(usertext.NewReader(in))
	found := false
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && found:
			return whole, nil
		case errors.Is(err, io.EOF):
			return false, o.notPrinted(path)
		case err != nil:
			return false, o.fault(path, d, err)
		case token != json.Delim('{'):
			return false, o.notPrinted(path)
		}
		known, last, err := o.page(d)
		if err != nil {
			return false, o.fault(path, d, err)
		}
		found, whole = found || known, whole || last
	}
}

// fault says where in a file the JSON is none.
func (o output) fault(path string, d *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: the file ends in the middle of what %q prints", path, o.command)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s: no JSON that %q prints, at byte %d: %s", path, o.command, d.InputOffset(), safetext.Line(err.Error()))
	}
	return fmt.Errorf("%s: %w", path, err)
}

// page reads one object. known reports whether it has a list that is read, last whether no page
// follows it.
func (o output) page(d *json.Decoder) (known, last bool, err error) {
	last = true
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return known, last, err
		}
		name, _ := token.(string)
		switch each := o.lists[name]; {
		case each != nil:
			known = true
			if err := list(d, each); err != nil {
				return known, last, err
			}
		case name == "IsTruncated" || name == "NextToken":
			var more any
			if err := d.Decode(&more); err != nil {
				return known, last, err
			}
			if more != nil && more != false && more != "" {
				last = false
			}
		default:
			if err := skip(d); err != nil {
				return known, last, err
			}
		}
	}
	_, err = d.Token()
	return known, last, err
}

// list calls each for every element of a list. null is an empty one.
func list(d *json.Decoder, each func(*json.Decoder) error) error {
	token, err := d.Token()
	switch {
	case err != nil || token == nil:
		return err
	case token != json.Delim('['):
		return errors.New("a list is expected")
	}
	for d.More() {
		if err := each(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// skip passes over a value.
func skip(d *json.Decoder) error {
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// element reads an element of a list. One that is of another form than it should be is told of by
// wrong, and is no error.
func element[T any](take func(T), wrong func(error)) func(*json.Decoder) error {
	return func(d *json.Decoder) error {
		var one T
		err := d.Decode(&one)
		var form *json.UnmarshalTypeError
		if errors.As(err, &form) {
			wrong(fmt.Errorf("%s is a JSON %s", safetext.Line(form.Field), form.Value))
			return nil
		}
		if err == nil {
			take(one)
		}
		return err
	}
}
