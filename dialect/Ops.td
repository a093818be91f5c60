// Everything the dialect defines; each family is true of itself in its own file.
include "dialect/ops/Model.td"
include "dialect/ops/Loop.td"
include "dialect/ops/Embedding.td"
include "dialect/ops/Linear.td"
include "dialect/ops/Norm.td"
include "dialect/ops/Loss.td"
include "dialect/ops/Optimizer.td"
include "dialect/ops/Dispatch.td"
