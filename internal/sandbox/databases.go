package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"ssmguard/internal/sandbox/databases"
	"ssmguard/internal/sandbox/world"
)

// databaseServices are the services behind the endpoints of databases and
// caches, by HOST:PORT.
func databaseServices(w world.World) map[string]world.Service {
	all := make(map[string]world.Service)
	add := func(s world.Service, addresses []string) {
		for _, at := range addresses {
			s := s
			s.Greeting = cmp.Or(s.Greeting, at+" of the sandbox")
			all[at] = s
		}
	}
	for _, d := range w.Databases {
		add(d.Service, databases.DatabaseAddresses(w, d))
	}
	for _, k := range w.Caches {
		add(k.Service, databases.CacheAddresses(w, k))
	}
	return all
}

// openServices opens the services behind the instances: those that the world
// names, and those of its databases.
func (s *Sandbox) openServices(o Options) error {
	all := databaseServices(s.World)
	maps.Copy(all, s.World.Services)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		service := all[name]
		if service.Address != "" {
			s.services[name] = service.Address
			continue
		}
		l, err := o.listen(o.beside())
		if err != nil {
			return fmt.Errorf("cannot play %s: %v", name, err)
		}
		s.played = append(s.played, &playedService{l, service.Greeting})
		s.services[name] = l.Addr().String()
	}
	return nil
}
