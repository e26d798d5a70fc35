package render

import "stackgen/pkg/model"

func webFiles(t *model.Topology) []File { return nil }
