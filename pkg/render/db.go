package render

import "stackgen/pkg/model"

func dbFiles(t *model.Topology) []File { return nil }
