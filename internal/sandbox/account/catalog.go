package account

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"ssmguard/internal/sandbox/world"
)

// stored is where RDS or ElastiCache holds a thing, a name within a Region, and its tags.
type stored struct {
	name, region string
	tags         map[string]string
}

// catalog is a describe call of RDS or ElastiCache: about one thing by its
// name, or about all of them, in pages.
type catalog[T any] struct {
	stored   func(T) stored // of a thing
	action   string         // that is authorized
	kind     string         // resource type in ARNs, such as "db"
	id       func(T) string // what stands in ARNs; the name when nil
	tagKey   string         // prefix of the service's own tag keys; "" when it has none
	name     string         // form key of the name
	label    string         // what a malformed name is called in the error
	size     string         // form keys of paging
	token    string
	standard int    // page size
	tooMany  string // said of a page size out of range; %s stands for it
	missing  fault  // %s stands for the name
}

// answer authorizes the call and returns the part of all that it asks for. A
// call without a name is authorized on every name, which is written "*".
func (i catalog[T]) answer(c *call, all []T, keep func(T) (bool, error)) (part []T, next string, err error) {
	name := i.named(c)
	here := slices.DeleteFunc(slices.Clone(all), func(t T) bool {
		k := i.stored(t)
		return orElse(k.region, c.world.Region) != c.region || name != "" && k.name != name
	})
	resource := orElse(name, "*")
	switch {
	case i.id != nil && name != "" && len(here) > 0:
		resource = i.id(here[0])
	case i.id != nil:
		resource = "*"
	}
	on := object{arn: c.arn(strings.SplitN(i.action, ":", 2)[0], c.region, i.kind+":"+resource)}
	if name != "" && len(here) > 0 {
		if tags := i.stored(here[0]).tags; len(tags) > 0 {
			prefixes := []string{i.tagKey}
			if i.tagKey == "" {
				prefixes = nil
			}
			on = tagged(on.arn, tags, prefixes...)
		}
	}
	if err := c.authorize(i.action, on); err != nil {
		return nil, "", err
	}
	if name != "" && !identifier(name) {
		return nil, "", refuse("InvalidParameterValue", "The parameter %s is not a valid identifier. Identifiers must begin with a letter; "+
			"must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.", i.label)
	}
	if name != "" && len(here) == 0 {
		f := i.missing
		f.Message = strings.ReplaceAll(f.Message, "%s", name)
		return nil, "", &f
	}
	return i.page(c, here, keep)
}

// page filters and pages what is here.
func (i catalog[T]) page(c *call, here []T, keep func(T) (bool, error)) (part []T, next string, err error) {
	size := i.standard
	if c.form.Has(i.size) {
		if size = c.number(i.size); size < 20 || size > 100 {
			return nil, "", refuse("InvalidParameterValue", "%s", strings.ReplaceAll(i.tooMany, "%s", c.form.Get(i.size)))
		}
	}
	var kept []T
	for _, t := range here {
		ok, err := keep(t)
		if err != nil {
			return nil, "", err
		}
		if ok {
			kept = append(kept, t)
		}
	}
	part, next, ok := page(kept, c.form.Get(i.token), size)
	if !ok {
		return nil, "", refuse("InvalidParameterValue", "The parameter %s is not valid: %s", i.token, c.form.Get(i.token))
	}
	return part, next, nil
}

// named returns the name that a call asks for, "" for all. Names are kept in
// lower case; an ARN of the kind stands for its name.
func (i catalog[T]) named(c *call) string {
	name := strings.ToLower(c.form.Get(i.name))
	if f := strings.SplitN(name, ":", 7); len(f) == 7 && f[0] == "arn" && f[5] == i.kind {
		return f[6]
	}
	return name
}

// every keeps everything.
func every[T any](T) (bool, error) { return true, nil }

// identifier tells whether RDS and ElastiCache take a name, in lower case.
func identifier(name string) bool {
	if name == "" || name[0] < 'a' || name[0] > 'z' || strings.HasSuffix(name, "-") || strings.Contains(name, "--") {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// madeUpHost is the part of an address that tells accounts apart, in lower case.
func madeUpHost(w world.World, service, region string, length int) string {
	return strings.ToLower(madeUpID("", service+w.Account+region))[:length]
}

// at returns HOST:PORT, or "" for what has no endpoint.
func (e endpointXML) at() string {
	if e.Address == "" {
		return ""
	}
	return net.JoinHostPort(e.Address, strconv.Itoa(e.Port))
}

// endpointXML is an address as both services write it.
type endpointXML struct {
	Address string
	Port    int
}

// shown is the endpoint as an element, which there is none of without an address.
func (e endpointXML) shown() *endpointXML {
	if e.Address == "" {
		return nil
	}
	return &e
}

// addresses are the endpoints that there are, as HOST:PORT, each once.
func addresses(endpoints ...endpointXML) []string {
	var all []string
	for _, e := range endpoints {
		if at := e.at(); at != "" && !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// dbTagXML is a tag as RDS writes it.
type dbTagXML struct{ Key, Value string }

func tagList(tags map[string]string) []dbTagXML {
	var all []dbTagXML
	for _, k := range sortedKeys(tags) {
		all = append(all, dbTagXML{k, tags[k]})
	}
	return all
}
