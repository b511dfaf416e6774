package databases

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// stored identifies an object of RDS or ElastiCache, by a name within a Region, and has
// its tags.
type stored struct {
	name, region string
	tags         map[string]string
}

// catalog is a describe call of RDS or ElastiCache: about one thing by its
// name, or about all of them, in pages.
type catalog[T any] struct {
	stored   func(T) stored // identity of an object
	action   string         // the authorized action
	kind     string         // resource type in ARNs, such as "db"
	id       func(T) string // the id in ARNs; nil: the name
	tagKey   string         // prefix of the service's own tag keys; "" when it has none
	name     string         // form key of the name
	label    string         // the name's label in the error for a malformed name
	size     string         // form keys of paging
	token    string
	standard int         // page size
	tooMany  string      // error for a page size out of range, which is %s
	missing  api.Refusal // %s stands for the name
}

// answer authorizes the call and returns the wanted part of all. A call without a name
// is authorized on the name "*".
func (i catalog[T]) answer(c *api.Request, all []T, keep func(T) (bool, error)) (part []T, next string, err error) {
	name := i.named(c)
	here := slices.DeleteFunc(slices.Clone(all), func(t T) bool {
		k := i.stored(t)
		return api.OrElse(k.region, c.World.Region) != c.Region || name != "" && k.name != name
	})
	resource := api.OrElse(name, "*")
	switch {
	case i.id != nil && name != "" && len(here) > 0:
		resource = i.id(here[0])
	case i.id != nil:
		resource = "*"
	}
	on := api.Object{ARN: c.ARN(strings.SplitN(i.action, ":", 2)[0], c.Region, i.kind+":"+resource)}
	if name != "" && len(here) > 0 {
		if tags := i.stored(here[0]).tags; len(tags) > 0 {
			prefixes := []string{i.tagKey}
			if i.tagKey == "" {
				prefixes = nil
			}
			on = api.Tagged(on.ARN, tags, prefixes...)
		}
	}
	if err := c.Authorize(i.action, on); err != nil {
		return nil, "", err
	}
	if name != "" && !identifier(name) {
		return nil, "", api.Refuse("InvalidParameterValue", "The parameter %s is not a valid identifier. Identifiers must begin with a letter; "+
			"must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.", i.label)
	}
	if name != "" && len(here) == 0 {
		f := i.missing
		f.Message = strings.ReplaceAll(f.Message, "%s", name)
		return nil, "", &f
	}
	return i.page(c, here, keep)
}

// page filters and pages the objects of the call's Region.
func (i catalog[T]) page(c *api.Request, here []T, keep func(T) (bool, error)) (part []T, next string, err error) {
	size := i.standard
	if c.Form.Has(i.size) {
		if size = c.Number(i.size); size < 20 || size > 100 {
			return nil, "", api.Refuse("InvalidParameterValue", "%s", strings.ReplaceAll(i.tooMany, "%s", c.Form.Get(i.size)))
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
	part, next, ok := api.Page(kept, c.Form.Get(i.token), size)
	if !ok {
		return nil, "", api.Refuse("InvalidParameterValue", "The parameter %s is not valid: %s", i.token, c.Form.Get(i.token))
	}
	return part, next, nil
}

// named returns the name in a call, "" for all. Names are in lower case; an ARN of the
// kind stands for its name.
func (i catalog[T]) named(c *api.Request) string {
	name := strings.ToLower(c.Form.Get(i.name))
	if f := strings.SplitN(name, ":", 7); len(f) == 7 && f[0] == "arn" && f[5] == i.kind {
		return f[6]
	}
	return name
}

// every is the filter that keeps every object.
func every[T any](T) (bool, error) { return true, nil }

// identifier reports whether RDS and ElastiCache take a name, in lower case.
func identifier(name string) bool {
	if name == "" || name[0] < 'a' || name[0] > 'z' || strings.HasSuffix(name, "-") || strings.Contains(name, "--") {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// madeUpHost is the part of an address that tells accounts apart, in lower case.
func madeUpHost(w world.World, service, region string, length int) string {
	return strings.ToLower(api.MadeUpID("", service+w.Account+region))[:length]
}

// At returns HOST:PORT, "" without an endpoint.
func (e EndpointXML) At() string {
	if e.Address == "" {
		return ""
	}
	return net.JoinHostPort(e.Address, strconv.Itoa(e.Port))
}

// EndpointXML is an address as both services write it.
type EndpointXML struct {
	Address string
	Port    int
}

// shown returns the endpoint as an element, nil without an address.
func (e EndpointXML) shown() *EndpointXML {
	if e.Address == "" {
		return nil
	}
	return &e
}

// addresses returns the endpoints with an address as HOST:PORT, each once.
func addresses(endpoints ...EndpointXML) []string {
	var all []string
	for _, e := range endpoints {
		if at := e.At(); at != "" && !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// dbTagXML is a tag as RDS writes it.
type dbTagXML struct{ Key, Value string }

func tagList(tags map[string]string) []dbTagXML {
	var all []dbTagXML
	for _, k := range api.SortedKeys(tags) {
		all = append(all, dbTagXML{k, tags[k]})
	}
	return all
}
