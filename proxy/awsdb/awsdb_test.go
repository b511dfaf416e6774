package awsdb

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
)

// answers are what the APIs say, by operation and identifier; others are faults.
var answers = map[string]string{
	"DescribeDBClusters orders": `<DBClusters><DBCluster><Endpoint>orders.cluster-c1.eu-west-1.rds.amazonaws.com</Endpoint><Port>5432</Port>
		<Engine>aurora-postgresql</Engine><DatabaseName>shop</DatabaseName><MasterUsername>root</MasterUsername>
		<IAMDatabaseAuthenticationEnabled>true</IAMDatabaseAuthenticationEnabled></DBCluster></DBClusters>`,
	"DescribeDBInstances legacy": `<DBInstances><DBInstance><Endpoint><Address>legacy.c1.eu-west-1.rds.amazonaws.com</Address><Port>3306</Port></Endpoint>
		<Engine>mysql</Engine><MasterUsername>admin</MasterUsername></DBInstance></DBInstances>`,
	"DescribeReplicationGroups sessions": `<ReplicationGroups><ReplicationGroup><Engine>redis</Engine><NodeGroups><NodeGroup><PrimaryEndpoint>
		<Address>sessions.c1.cache.amazonaws.com</Address><Port>6379</Port></PrimaryEndpoint></NodeGroup></NodeGroups></ReplicationGroup></ReplicationGroups>`,
	"DescribeCacheClusters pages": `<CacheClusters><CacheCluster><Engine>memcached</Engine><ConfigurationEndpoint>
		<Address>pages.c1.cfg.cache.amazonaws.com</Address><Port>11211</Port></ConfigurationEndpoint></CacheCluster></CacheClusters>`,
}

// faults are the codes for what is not there.
var faults = map[string]string{
	"DescribeDBClusters": "DBClusterNotFoundFault", "DescribeDBInstances": "DBInstanceNotFound",
	"DescribeReplicationGroups": "ReplicationGroupNotFoundFault", "DescribeServerlessCaches": "ServerlessCacheNotFoundFault",
	"DescribeCacheClusters": "CacheClusterNotFound",
}

func serve(t *testing.T) aws.Config {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation, id := r.FormValue("Action"), ""
		for key := range r.Form {
			if strings.HasSuffix(key, "Identifier") || strings.HasSuffix(key, "Id") || strings.HasSuffix(key, "Name") {
				id = r.FormValue(key)
			}
		}
		if text, ok := answers[operation+" "+id]; ok {
			fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", operation, text)
			return
		}
		code := faults[operation]
		if id == "secret" {
			code = "AccessDenied"
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>", code)
	}))
	t.Cleanup(s.Close)
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: &s.URL, HTTPClient: s.Client(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}
}

func TestRDS(t *testing.T) {
	cfg := serve(t)
	orders := Endpoint{Host: "orders.cluster-c1.eu-west-1.rds.amazonaws.com", Port: 5432, Engine: "aurora-postgresql", Database: "shop", User: "root", IAMAuth: true}
	reader := orders
	reader.Host = "orders.cluster-ro-c1.eu-west-1.rds.amazonaws.com"
	for name, want := range map[string]Endpoint{
		"orders": orders, reader.Host: reader,
		"legacy": {Host: "legacy.c1.eu-west-1.rds.amazonaws.com", Port: 3306, Engine: "mysql", User: "admin"},
	} {
		got, err := RDS(t.Context(), cfg, name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", name, err, diff)
		}
	}
}

func TestElastiCache(t *testing.T) {
	cfg := serve(t)
	for name, want := range map[string]Endpoint{
		"sessions": {Host: "sessions.c1.cache.amazonaws.com", Port: 6379, Engine: "redis"},
		"pages":    {Host: "pages.c1.cfg.cache.amazonaws.com", Port: 11211, Engine: "memcached"},
	} {
		got, err := ElastiCache(t.Context(), cfg, name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", name, err, diff)
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	cfg := serve(t)
	_, noDB := RDS(t.Context(), cfg, "gone")
	_, noCache := ElastiCache(t.Context(), cfg, "gone")
	for _, err := range []error{noDB, noCache} {
		var none *NotFoundError
		if !errors.As(err, &none) || none.Name != "gone" {
			t.Errorf("got %v", err)
		}
	}
	_, err := RDS(t.Context(), cfg, "secret")
	var none *NotFoundError
	if err == nil || errors.As(err, &none) {
		t.Errorf("a refusal is taken for an absence: %v", err)
	}
}

func TestToken(t *testing.T) {
	cfg := serve(t)
	token, err := Token(t.Context(), cfg, "orders.example.com", 5432, "app")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse("https://" + token)
	if err != nil || u.Host != "orders.example.com:5432" || u.Query().Get("DBUser") != "app" || u.Query().Get("X-Amz-Signature") == "" {
		t.Errorf("token for %s, user %s, %v", u.Host, u.Query().Get("DBUser"), err)
	}
}
