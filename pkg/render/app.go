package render

import "stackgen/pkg/model"

func appFiles(t *model.Topology) []File { return nil }
