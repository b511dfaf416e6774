package awsdb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/awsapi"
)

const (
	ordersXML = `<DBCluster><DBClusterIdentifier>orders</DBClusterIdentifier><DBClusterArn>arn:aws:rds:eu-west-1:111122223333:cluster:orders</DBClusterArn><DbClusterResourceId>cluster-ABC</DbClusterResourceId><Status>available</Status><Endpoint>orders.cluster-c1.eu-west-1.rds.amazonaws.com</Endpoint>
		<ReaderEndpoint>orders.cluster-ro-c1.eu-west-1.rds.amazonaws.com</ReaderEndpoint><CustomEndpoints><member>reports.cluster-custom-c1.eu-west-1.rds.amazonaws.com</member></CustomEndpoints>
		<Port>5432</Port><Engine>aurora-postgresql</Engine><DatabaseName>shop</DatabaseName><MasterUsername>root</MasterUsername>
		<IAMDatabaseAuthenticationEnabled>true</IAMDatabaseAuthenticationEnabled></DBCluster>`
	legacyXML = `<DBInstance><DBInstanceIdentifier>legacy</DBInstanceIdentifier><DBInstanceStatus>stopped</DBInstanceStatus><Engine>mysql</Engine>
		<Endpoint><Address>legacy.c1.eu-west-1.rds.amazonaws.com</Address><Port>3306</Port></Endpoint><MasterUsername>admin</MasterUsername></DBInstance>`
	newXML      = `<DBInstance><DBInstanceIdentifier>new</DBInstanceIdentifier><DBInstanceStatus>creating</DBInstanceStatus><Engine>mysql</Engine></DBInstance>`
	poolXML     = `<member><DBProxyName>pool</DBProxyName><Status>available</Status><EngineFamily>MYSQL</EngineFamily><Endpoint>pool.proxy-c1.eu-west-1.rds.amazonaws.com</Endpoint><Auth><member><IAMAuth>REQUIRED</IAMAuth></member></Auth></member>`
	sessionsXML = `<ReplicationGroup><ReplicationGroupId>sessions</ReplicationGroupId><Status>available</Status><Engine>valkey</Engine><TransitEncryptionEnabled>true</TransitEncryptionEnabled>
		<NodeGroups><NodeGroup><PrimaryEndpoint><Address>master.sessions.c1.cache.amazonaws.com</Address><Port>6379</Port></PrimaryEndpoint>
		<ReaderEndpoint><Address>replica.sessions.c1.cache.amazonaws.com</Address><Port>6379</Port></ReaderEndpoint><NodeGroupMembers><NodeGroupMember>
		<ReadEndpoint><Address>sessions-001.sessions.c1.cache.amazonaws.com</Address><Port>6379</Port></ReadEndpoint></NodeGroupMember></NodeGroupMembers></NodeGroup></NodeGroups></ReplicationGroup>`
	wideXML = `<ReplicationGroup><ReplicationGroupId>wide</ReplicationGroupId><Engine>redis</Engine><NodeGroups><NodeGroup/><NodeGroup/></NodeGroups>
		<ConfigurationEndpoint><Address>wide.c1.clustercfg.cache.amazonaws.com</Address><Port>6379</Port></ConfigurationEndpoint></ReplicationGroup>`
	pagesXML = `<CacheCluster><CacheClusterId>pages</CacheClusterId><Engine>memcached</Engine><ConfigurationEndpoint><Address>pages.c1.cfg.cache.amazonaws.com</Address><Port>11211</Port>
		</ConfigurationEndpoint><CacheNodes><CacheNode><Endpoint><Address>pages.c1.0001.cache.amazonaws.com</Address><Port>11211</Port></Endpoint></CacheNode></CacheNodes></CacheCluster>`
	singleXML = `<CacheCluster><CacheClusterId>single</CacheClusterId><Engine>redis</Engine><CacheNodes><CacheNode><Endpoint><Address>single.c1.0001.cache.amazonaws.com</Address><Port>6379</Port></Endpoint></CacheNode></CacheNodes></CacheCluster>`
	cartsXML  = `<member><ServerlessCacheName>carts</ServerlessCacheName><Engine>valkey</Engine><Endpoint><Address>carts-c1.serverless.cache.amazonaws.com</Address><Port>6379</Port></Endpoint>
		<ReaderEndpoint><Address>carts-c1.serverless.cache.amazonaws.com</Address><Port>6380</Port></ReaderEndpoint></member>`
)

// operations are what the services hold: the name of the list, its things by
// identifier, and the code for one that is not there.
var operations = map[string]struct {
	list, key, fault string
	things           map[string]string
}{
	"DescribeDBClusters":        {"DBClusters", "DBClusterIdentifier", "DBClusterNotFoundFault", map[string]string{"orders": ordersXML}},
	"DescribeDBInstances":       {"DBInstances", "DBInstanceIdentifier", "DBInstanceNotFound", map[string]string{"legacy": legacyXML, "new": newXML}},
	"DescribeDBProxies":         {"DBProxies", "DBProxyName", "DBProxyNotFoundFault", map[string]string{"pool": poolXML}},
	"DescribeReplicationGroups": {"ReplicationGroups", "ReplicationGroupId", "ReplicationGroupNotFoundFault", map[string]string{"sessions": sessionsXML, "wide": wideXML}},
	"DescribeServerlessCaches":  {"ServerlessCaches", "ServerlessCacheName", "ServerlessCacheNotFoundFault", map[string]string{"carts": cartsXML}},
	"DescribeCacheClusters":     {"CacheClusters", "CacheClusterId", "CacheClusterNotFound", map[string]string{"pages": pagesXML, "single": singleXML}},
}

// serve answers as the services do, and refuses some operations.
func serve(t *testing.T, refuse ...string) (cfg aws.Config, asked func() string) {
	t.Helper()
	var log []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := r.FormValue("Action")
		o := operations[action]
		id := r.FormValue(o.key)
		log = append(log, strings.TrimSpace(strings.TrimPrefix(action, "Describe")+" "+id))
		thing, ok := o.things[id]
		if id == "" {
			ok = true
			for _, x := range o.things {
				thing += x
			}
		}
		for _, refused := range refuse {
			if refused == action {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprintf(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::111122223333:user/x is not authorized to perform: %s</Message></Error></ErrorResponse>", action)
				return
			}
		}
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>not found</Message></Error></ErrorResponse>", o.fault)
			return
		}
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult><%[2]s>%[3]s</%[2]s></%[1]sResult></%[1]sResponse>", action, o.list, thing)
	}))
	t.Cleanup(s.Close)
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: &s.URL, HTTPClient: s.Client(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}, func() string { return strings.Join(log, ", ") }
}

var (
	orders   = Endpoint{Kind: "DB cluster", Name: "orders", Host: "orders.cluster-c1.eu-west-1.rds.amazonaws.com", Port: 5432, Engine: "aurora-postgresql", Database: "shop", User: "root", IAMAuth: true, Status: "available", ARN: "arn:aws:rds:eu-west-1:111122223333:cluster:orders", ID: "cluster-ABC"}
	legacy   = Endpoint{Kind: "DB instance", Name: "legacy", Host: "legacy.c1.eu-west-1.rds.amazonaws.com", Port: 3306, Engine: "mysql", User: "admin", Status: "stopped"}
	pool     = Endpoint{Kind: "DB proxy", Name: "pool", Host: "pool.proxy-c1.eu-west-1.rds.amazonaws.com", Port: 3306, Engine: "mysql", IAMAuth: true, Status: "available"}
	sessions = Endpoint{Kind: "replication group", Name: "sessions", Host: "master.sessions.c1.cache.amazonaws.com", Port: 6379, Engine: "valkey", TLS: true, Status: "available"}
	carts    = Endpoint{Kind: "serverless cache", Name: "carts", Host: "carts-c1.serverless.cache.amazonaws.com", Port: 6379, Engine: "valkey", TLS: true}
	pages    = Endpoint{Kind: "cache cluster", Name: "pages", Host: "pages.c1.cfg.cache.amazonaws.com", Port: 11211, Engine: "memcached"}
)

// at is an endpoint elsewhere.
func at(e Endpoint, host string) Endpoint {
	e.Host = host
	return e
}

func TestRDS(t *testing.T) {
	for _, test := range []struct {
		name   string
		reader bool
		want   Endpoint
		asked  string
	}{
		{"orders", false, orders, "DBClusters orders"},
		{"orders", true, at(orders, "orders.cluster-ro-c1.eu-west-1.rds.amazonaws.com"), "DBClusters orders"},
		{orders.Host, false, orders, "DBClusters orders"},
		{orders.Host, true, at(orders, "orders.cluster-ro-c1.eu-west-1.rds.amazonaws.com"), "DBClusters orders"},
		{"Orders.cluster-ro-c1.eu-west-1.rds.amazonaws.com.", false, at(orders, "orders.cluster-ro-c1.eu-west-1.rds.amazonaws.com"), "DBClusters orders"},
		{"reports.cluster-custom-c1.eu-west-1.rds.amazonaws.com:5432", false, at(orders, "reports.cluster-custom-c1.eu-west-1.rds.amazonaws.com"), "DBClusters"},
		{"legacy", false, legacy, "DBClusters legacy, DBInstances legacy"},
		{legacy.Host, false, legacy, "DBInstances legacy"},
		{"pool", false, pool, "DBClusters pool, DBInstances pool, DBProxies pool"},
		{pool.Host, false, pool, "DBProxies pool"},
		{"legacy.c1.rds.cn-north-1.amazonaws.com.cn", false, legacy, "DBInstances legacy"},
		{"orders.cluster-ro-c1.rds.cn-north-1.amazonaws.com.cn", false, orders, "DBClusters orders"},
	} {
		cfg, asked := serve(t)
		got, err := RDS(t.Context(), cfg, test.name, test.reader)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil || asked() != test.asked {
			t.Errorf("%s, reader %v: %v, asked %s, -want +got:\n%s", test.name, test.reader, err, asked(), diff)
		}
	}
}

func TestRegionIn(t *testing.T) {
	for host, want := range map[string]string{
		"x.cluster-c1.eu-west-1.docdb.amazonaws.com": "eu-west-1", "x.cluster-c1.docdb.cn-north-1.amazonaws.com.cn": "cn-north-1", "x.cluster-ro-c1.us-east-1.neptune.amazonaws.com": "us-east-1",
		orders.Host: "eu-west-1",
		"legacy.c1.rds.cn-north-1.amazonaws.com.cn":     "cn-north-1",
		"pool.proxy-c1.us-gov-west-1.rds.amazonaws.com": "us-gov-west-1",
		"rds.amazonaws.com":                             "", "db.rds.example.com": "", "db.example.com": "", "legacy": "", sessions.Host: "",
	} {
		if got := regionIn(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestElastiCache(t *testing.T) {
	reader := at(sessions, "replica.sessions.c1.cache.amazonaws.com")
	cartsReader := carts
	cartsReader.Port = 6380
	for _, test := range []struct {
		name   string
		reader bool
		want   Endpoint
	}{
		{"sessions", false, sessions}, {"sessions", true, reader}, {reader.Host, false, reader},
		{"sessions-001.sessions.c1.cache.amazonaws.com", false, at(sessions, "sessions-001.sessions.c1.cache.amazonaws.com")},
		{"wide", false, Endpoint{Kind: "replication group", Name: "wide", Host: "wide.c1.clustercfg.cache.amazonaws.com", Port: 6379, Engine: "redis", Shards: 2}},
		{"carts", false, carts}, {"carts", true, cartsReader}, {carts.Host, false, carts},
		{"pages", false, pages}, {"pages.c1.0001.cache.amazonaws.com", false, at(pages, "pages.c1.0001.cache.amazonaws.com")},
		{"single", false, Endpoint{Kind: "cache cluster", Name: "single", Host: "single.c1.0001.cache.amazonaws.com", Port: 6379, Engine: "redis"}},
	} {
		cfg, _ := serve(t)
		got, err := ElastiCache(t.Context(), cfg, test.name, test.reader)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s, reader %v: %v, -want +got:\n%s", test.name, test.reader, err, diff)
		}
	}
}

// What is not there comes with what there is; what may not be looked at is not
// taken for absent, and does not hide what may be looked at.
func TestWhatIsNotThere(t *testing.T) {
	for _, test := range []struct {
		name, refuse string
		cache        bool
		want         string
		known        []string
		refused      int
	}{
		{"gone", "", false, `no DB cluster, DB instance or DB proxy "gone" in eu-west-1`, []string{"orders", "legacy", "new", "pool"}, 0},
		{"gone", "", true, `no replication group, serverless cache or cache cluster "gone" in eu-west-1`, []string{"sessions", "wide", "carts", "pages", "single"}, 0},
		{"gone", "DescribeDBProxies", false, `no DB cluster or DB instance "gone" in eu-west-1`, []string{"orders", "legacy", "new"}, 1},
		{"gone", "DescribeDBClusters DescribeDBInstances DescribeDBProxies", false, `looking up gone: `, nil, 3},
		{"gone.c1.eu-west-1.rds.amazonaws.com", "", false, `no DB instance "gone" in eu-west-1`, []string{"legacy", "new"}, 0},
		{"gone.cluster-custom-c1.eu-west-1.rds.amazonaws.com", "", false, `no DB cluster "gone.cluster-custom-c1.eu-west-1.rds.amazonaws.com" in eu-west-1`, nil, 0},
		{"gone.endpoint.proxy-c1.eu-west-1.rds.amazonaws.com", "", false, `no DB proxy "gone.endpoint.proxy-c1.eu-west-1.rds.amazonaws.com" in eu-west-1`, nil, 0},
		{"db.example.com", "", false, `no endpoint of RDS "db.example.com" in eu-west-1`, nil, 0},
		{"gone.c1.cache.amazonaws.com", "DescribeServerlessCaches", true, `no replication group or cache cluster "gone.c1.cache.amazonaws.com" in eu-west-1`, nil, 1},
	} {
		cfg, _ := serve(t, strings.Fields(test.refuse)...)
		look := RDS
		if test.cache {
			look = ElastiCache
		}
		_, err := look(t.Context(), cfg, test.name, false)
		var none *NotFoundError
		if !errors.As(err, &none) || !strings.HasPrefix(err.Error(), test.want) || len(none.Refused) != test.refused {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
			continue
		}
		if diff := cmp.Diff(count(test.known), count(none.Known)); diff != "" {
			t.Errorf("%s: known %s", test.name, diff)
		}
	}
	cfg, _ := serve(t, "DescribeDBClusters")
	if got, err := RDS(t.Context(), cfg, "legacy", false); err != nil || got.Port != 3306 {
		t.Errorf("an instance hidden by a refusal about clusters: %+v, %v", got, err)
	}
}

func count(names []string) map[string]int {
	all := make(map[string]int)
	for _, n := range names {
		all[n]++
	}
	return all
}

func TestNoEndpoint(t *testing.T) {
	cfg, _ := serve(t)
	_, unready := RDS(t.Context(), cfg, "new", false)
	_, noReader := RDS(t.Context(), cfg, "legacy", true)
	_, unreadyReader := RDS(t.Context(), cfg, "new", true)
	for want, err := range map[string]error{
		"DB instance new has no endpoint: it is creating": unready, "DB instance legacy has no reader endpoint": noReader,
	} {
		if !errors.As(err, new(*NoEndpointError)) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if unreadyReader == nil || unreadyReader.Error() != unready.Error() {
		t.Errorf("got %v", unreadyReader)
	}
}

// Other failures of a call are reported in short.
func TestCallError(t *testing.T) {
	for answer, want := range map[string]string{
		"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>": "DescribeDBClusters: Throttling: Rate exceeded",
		"<Describe": "DescribeDBClusters: the answer cannot be read: ",
		"":          "DescribeDBClusters: Post ",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			switch {
			case answer == "":
				panic(http.ErrAbortHandler)
			case strings.HasPrefix(answer, "<Error"):
				w.WriteHeader(http.StatusBadRequest)
			}
			fmt.Fprint(w, answer)
		}))
		cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &s.URL, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
		_, err := RDS(t.Context(), cfg, "orders", false)
		s.Close()
		if !errors.As(err, new(*CallError)) || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "RequestID") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// What may not be listed takes nothing from the rest.
func TestEverything(t *testing.T) {
	cfg, _ := serve(t, "DescribeDBClusters", "DescribeServerlessCaches")
	got := make(map[string]string)
	for _, e := range append(Databases(t.Context(), cfg), Caches(t.Context(), cfg)...) {
		got[e.Name] = e.Kind
	}
	want := map[string]string{
		"legacy": kindInstance, "new": kindInstance, "pool": kindProxy, "sessions": kindGroup, "wide": kindGroup, "pages": kindCache, "single": kindCache,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Lists are read to their end.
func TestListIsPaged(t *testing.T) {
	pages := source{"thing", func(_ context.Context, _, from string) ([]entry, string, error) {
		if from == "" {
			return []entry{{Endpoint: Endpoint{Host: "a.x"}}}, "2", nil
		}
		return []entry{{Endpoint: Endpoint{Host: "b.x"}}}, "", nil
	}}
	e, err := byAddress(t.Context(), []source{pages}, "eu-west-1", "B.x")
	if err != nil || e.Host != "b.x" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestSplitAddress(t *testing.T) {
	for name, want := range map[string]string{
		"orders": " 0 false", "a.b": "a.b 0 true", "A.b.:6379": "a.b 6379 true", "a.b:0": " 0 false", "a.b:x": " 0 false", "a:1": "a 1 false",
	} {
		host, port, ok := SplitAddress(name)
		if !ok && want == " 0 false" {
			continue
		}
		if got := fmt.Sprint(host, " ", port, " ", ok); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Tokens are, to the byte, those of botocore 1.43 at the same moment.
func TestTokens(t *testing.T) {
	const key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	query := func(service, session, signature string) string {
		if session != "" {
			session = "&X-Amz-Security-Token=" + session
		}
		return "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20000101%2Feu-west-1%2F" + service +
			"%2Faws4_request&X-Amz-Date=20000101T000000Z&X-Amz-Expires=900" + session + "&X-Amz-SignedHeaders=host&X-Amz-Signature=" + signature
	}
	const session = "SESSION%2FTOKEN%3D%3D"
	synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01T00:00:00Z
		short := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", key, "")}
		long := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", key, "SESSION/TOKEN==")}
		inRegion := short
		inRegion.Region = "eu-west-1"
		const cluster = "abc123.dsql.eu-west-1.on.aws"
		const host = "orders.cluster-c1.eu-west-1.rds.amazonaws.com"
		for _, test := range []struct {
			make func() (string, error)
			want string
		}{
			{func() (string, error) { return Token(t.Context(), short, host, 5432, "app") }, // in the Region of the database
				host + ":5432/?Action=connect&DBUser=app" + query("rds-db", "", "9d501a5ba9668990f4713f791404ccc06aa5ac53d7092cfa2d5a5cf29c3eb6e5")},
			{func() (string, error) { return Token(t.Context(), long, host, 5432, "app") },
				host + ":5432/?Action=connect&DBUser=app" + query("rds-db", session, "49d72c6c5205e24e8bf637999d0544be84cc7cfccad05cf0f9e993f180da7509")},
			{func() (string, error) { // as a person may type it
				return Token(t.Context(), short, "Orders.Cluster-C1.EU-West-1.RDS.amazonaws.com.", 5432, "app")
			},
				host + ":5432/?Action=connect&DBUser=app" + query("rds-db", "", "9d501a5ba9668990f4713f791404ccc06aa5ac53d7092cfa2d5a5cf29c3eb6e5")},
			{func() (string, error) { return CacheToken(t.Context(), inRegion, "Sessions", false, "app") },
				"sessions/?Action=connect&User=app" + query("elasticache", "", "e4a420441ee5030c3d649ae650b6c7d817bf940fd2020a40e2496ca8eae28706")},
			{func() (string, error) { return CacheToken(t.Context(), long, "sessions", true, "app") },
				"sessions/?Action=connect&ResourceType=ServerlessCache&User=app" + query("elasticache", session, "747042703aeac8c9979326c7166e2ccf0a67ebb70d80ab761c097b592659424a")},
			{func() (string, error) { return DSQLToken(t.Context(), short, cluster, "app") }, // without a port, in the Region of the name
				cluster + "/?Action=DbConnect" + query("dsql", "", "f0dc590840524a5f243a6becf40b815db6c2647278d39f3dc97616d79464db5a")},
			{func() (string, error) { return DSQLToken(t.Context(), short, strings.ToUpper(cluster), "app") },
				cluster + "/?Action=DbConnect" + query("dsql", "", "f0dc590840524a5f243a6becf40b815db6c2647278d39f3dc97616d79464db5a")},
			{func() (string, error) { return DSQLToken(t.Context(), long, cluster, "admin") },
				cluster + "/?Action=DbConnectAdmin" + query("dsql", session, "ea43752ce0b60bb9afba292ef57afb0742947cd9aaf10fea9057b923f0580581")},
		} {
			got, err := test.make()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sorted(test.want), sorted(got)); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// clocked is a source of configuration that has a clock.
type clocked struct{ clock *awsapi.Clock }

func (c clocked) Clock() *awsapi.Clock { return c.clock }

// A token has AWS's time where this machine's clock is known to be wrong: the database refuses
// one that has run out, or is of the future.
func TestTokenByAWSClock(t *testing.T) {
	clock := new(awsapi.Clock)
	cfg := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		ConfigSources: []any{clocked{clock}}}
	for _, ahead := range []time.Duration{0, -time.Hour, 26 * time.Hour} {
		clock.Set(ahead)
		token, err := Token(t.Context(), cfg, "orders.c1.eu-west-1.rds.amazonaws.com", 5432, "app")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse("https://" + token)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
		if off := time.Until(at) - ahead; err != nil || off.Abs() > time.Minute || !strings.Contains(u.Query().Get("X-Amz-Credential"), at.Format("/20060102/")) {
			t.Errorf("AWS's clock is %v ahead: signed at %s by %s, %v", ahead, at, u.Query().Get("X-Amz-Credential"), err)
		}
	}
}

// sorted takes a token's query apart: the order in it means nothing.
func sorted(token string) map[string]int {
	front, query, _ := strings.Cut(token, "?")
	return count(append(strings.Split(query, "&"), front))
}

func TestLogin(t *testing.T) {
	const rds, cache = "arn:aws:rds:eu-west-1:111122223333:", "arn:aws-cn:elasticache:cn-north-1:111122223333:"
	for want, e := range map[string]Endpoint{
		"rds-db:connect arn:aws:rds-db:eu-west-1:111122223333:dbuser:cluster-ABC/app":      orders,
		"rds-db:connect arn:aws:rds-db:eu-west-1:111122223333:dbuser:prx-1/app":            {Kind: kindProxy, ARN: rds + "db-proxy:prx-1", ID: "prx-1"},
		"elasticache:Connect " + cache + "replicationgroup:sessions " + cache + "user:app": {Kind: kindGroup, TLS: true, Engine: "valkey", ARN: cache + "replicationgroup:sessions"},
		"elasticache:Connect " + cache + "serverlesscache:carts " + cache + "user:app":     {Kind: kindServerless, TLS: true, Engine: "redis", ARN: cache + "serverlesscache:carts"},
	} {
		action, resources := e.Login("app")
		if got := action + " " + strings.Join(resources, " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, e := range []Endpoint{{}, {Kind: kindInstance, ARN: rds + "db:orders-1"}, {Kind: kindCache, ARN: cache + "cluster:pages"}} {
		if action, resources := e.Login("app"); action != "" || resources != nil {
			t.Errorf("%+v: %s %v", e, action, resources)
		}
	}
}
