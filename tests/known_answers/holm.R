# Holm's correction, from p.adjust.
source("tests/known_answers/record.R")

sets <- list(
  c(0.01, 0.04, 0.03, 0.005), c(0.5), c(0.02, 0.02, 0.02), c(0, 1, 0.5), c(0.9, 0.8, 0.7, 0.6), c(0.001, 0.0133, 0.0166, 0.025, 0.05),
  c(0.04, 0.001, 0.04, 0.2, 0.013, 0.6, 1e-9), seq(0.01, 0.2, length.out = 20)
)
record("r_holm", "p.adjust(p, \"holm\")", lapply(sets, function(p) list(p = p, adjusted = p.adjust(p, "holm"))))
