package render

import "stackgen/pkg/model"

func lbFiles(t *model.Topology) []File { return nil }
