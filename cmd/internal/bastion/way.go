package bastion

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/guard/awsiam"
	"ssmguard/guard/route"
	"ssmguard/proxy/awsdb"
)

// Network reads from AWS where things are in the network; guard/awsiam implements it.
type Network interface {
	End(ctx context.Context, region, id string) (e route.End, ok bool, err error)
	NodesIn(ctx context.Context, region, vpc string) ([]awsiam.Placed, error)
	SecurityGroups(ctx context.Context, region string, ids []string) (map[string]route.Group, error)
	Networks(ctx context.Context, region string, subnets []string) ([]netip.Prefix, error)
	PrefixList(ctx context.Context, region, id string) ([]netip.Prefix, error)
}

// Database is the far end of ways, with what has been read of its network.
type Database struct {
	awsdb.Endpoint
	Port int // to which the tunnel leads

	aws     aws.Config
	network Network
	groups  map[string]route.Group
	lists   map[string][]netip.Prefix
	subnets []netip.Prefix
	unread  map[route.Need]unread
}

// unread says why a fact is missing: AWS refused a call, named by its permission, or it failed.
type unread struct {
	permission string
	err        error // nil: AWS refused it
}

// NewDatabase returns the database of an endpoint that was looked up with a configuration, for
// tunnels that lead to a port of it.
func NewDatabase(n Network, cfg aws.Config, e awsdb.Endpoint, port int) *Database {
	return &Database{Endpoint: e, Port: cmp.Or(port, e.Port), aws: cfg, network: n,
		groups: make(map[string]route.Group), lists: make(map[string][]netip.Prefix), unread: make(map[route.Need]unread)}
}

// missing records a call that failed, for the facts that it would have told.
func (d *Database) missing(permission string, err error, needs ...route.Need) {
	u := unread{permission, err}
	var own *awsiam.Error
	if errors.As(err, &own) && own.Kind == awsiam.KindDenied || awsiam.KindOf(err) == awsiam.KindDenied {
		u.err = nil
	}
	for _, n := range needs {
		d.unread[n] = u
	}
}

// VPC returns the database's VPC, "" if it cannot be read.
func (d *Database) VPC(ctx context.Context) string {
	if permission, err := d.FindGroups(ctx, d.aws); err != nil {
		d.missing(permission, err, route.Need{Kind: route.NeedTo})
	}
	if d.Network.VPC == "" {
		d.read(ctx, d.Network.Groups)
		for _, id := range d.Network.Groups {
			d.Network.VPC = cmp.Or(d.Network.VPC, d.groups[id].VPC)
		}
	}
	if _, refused := d.unread[route.Need{Kind: route.NeedTo}]; d.Network.VPC == "" && !refused {
		for _, id := range d.Network.Groups {
			if u, refused := d.unread[route.Need{Kind: route.NeedGroup, ID: id}]; refused {
				d.unread[route.Need{Kind: route.NeedTo}] = u
			}
		}
	}
	return d.Network.VPC
}

// read reads security groups that have not been read, once.
func (d *Database) read(ctx context.Context, ids []string) {
	var wanted []string
	for _, id := range ids {
		_, known := d.groups[id]
		_, failed := d.unread[route.Need{Kind: route.NeedGroup, ID: id}]
		if !known && !failed && !slices.Contains(wanted, id) {
			wanted = append(wanted, id)
		}
	}
	if len(wanted) == 0 {
		return
	}
	found, err := d.network.SecurityGroups(ctx, d.aws.Region, wanted)
	maps.Copy(d.groups, found)
	for _, id := range wanted {
		if _, ok := found[id]; err != nil && !ok {
			d.missing(awsiam.GroupsPermission, err, route.Need{Kind: route.NeedGroup, ID: id})
		}
	}
}

// Way is the way from a target to a database.
type Way struct {
	route.Way
	Facts    route.Facts
	Region   string
	Database string
	Status   string                // the database's, "" if it answers in it
	unread   map[route.Need]unread // why needs are not known
}

// From decides whether the way from a target is open. It reads no more than the outcome turns on.
func (d *Database) From(ctx context.Context, from route.End) Way {
	f := route.Facts{From: from, Port: d.Port, Listens: d.Listens(), Groups: d.groups, Lists: d.lists}
	f.To = route.End{ID: d.Name, VPC: d.VPC(ctx), Groups: d.Network.Groups, IPv6: d.Network.IPv6}
	if from.VPC != "" && from.VPC == f.To.VPC {
		d.read(ctx, slices.Concat(from.Groups, f.To.Groups))
	}
	w := Way{Region: d.aws.Region, Database: d.Name, unread: d.unread}
	if d.Down() {
		w.Status = d.Endpoint.Status
	}
	for {
		f.To.Subnets = d.subnets
		w.Way, w.Facts = route.Evaluate(f), f
		more := false
		for _, n := range w.Needs {
			more = d.ask(ctx, n) || more
		}
		if !more {
			return w
		}
	}
}

// ask reads a fact that has not been asked for, and reports whether something is known now
// that was not.
func (d *Database) ask(ctx context.Context, n route.Need) bool {
	if _, failed := d.unread[n]; failed {
		return false
	}
	switch n.Kind {
	case route.NeedList:
		entries, err := d.network.PrefixList(ctx, d.aws.Region, n.ID)
		if err != nil {
			d.missing(awsiam.ListPermission, err, n)
			return false
		}
		d.lists[n.ID] = entries
		return true
	case route.NeedSubnets:
		if permission, err := d.FindSubnets(ctx, d.aws); err != nil {
			d.missing(permission, err, n)
			return false
		}
		if len(d.Network.Subnets) == 0 {
			return false
		}
		networks, err := d.network.Networks(ctx, d.aws.Region, d.Network.Subnets)
		if err != nil {
			d.missing(awsiam.SubnetsPermission, err, n)
			return false
		}
		d.subnets = networks
		return len(networks) > 0
	}
	return false
}

// FromTarget is From for a target by its id.
func (d *Database) FromTarget(ctx context.Context, id string) Way {
	end, found, err := d.network.End(ctx, d.aws.Region, id)
	if err != nil {
		d.missing(awsiam.InstancePermission, err, route.Need{Kind: route.NeedFrom})
	}
	if !found {
		end = route.End{ID: id}
	}
	return d.From(ctx, end)
}
