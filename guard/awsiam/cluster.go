package awsiam

import (
	"context"

	"ssmguard/guard"
)

// clusters is ECS's answer to DescribeClusters, as far as it is used.
type clusters struct {
	Clusters []struct {
		Configuration struct {
			ExecuteCommandConfiguration struct{ KmsKeyID string }
		}
	}
}

// clusterFacts reads the key that the cluster of a task encrypts commands with.
func (c factReader) clusterFacts(ctx context.Context, r guard.Request) part {
	const op = "ecs:DescribeClusters"
	document := part{apply: func(f *guard.Facts) {
		f.DocumentOwner, f.DocumentType, f.SessionType = ownerAWS, "Session", sessionInteractive
	}}
	cluster, _, _, ok := guard.SplitTask(r.Target)
	if !ok {
		return document
	}
	out, err := call[clusters](ctx, c.connection, r.Region, op, map[string]any{"clusters": []string{cluster}, "include": []string{"CONFIGURATIONS"}})
	if err != nil {
		return document.and(part{unknown: []string{guard.UnknownKMSKey}, err: unseen(op, cluster, err)})
	}
	for _, found := range out.Clusters {
		if key := found.Configuration.ExecuteCommandConfiguration.KmsKeyID; key != "" {
			return document.and(c.resolveKey(ctx, r, key))
		}
	}
	return document
}
