# Quantiles and probabilities of Student's t, the beta, the binomial and the normal distribution.
source("tests/known_answers/record.R")

rows <- list()
entry <- function(name, arguments, value) c(one(name = name), list(arguments = arguments), one(value = value))
for (df in c(1, 2, 3, 9, 29, 99, 199, 1999, 99999)) {
  for (p in c(0.001, 0.025, 0.05, 0.4, 0.5, 0.9, 0.95, 0.975, 0.995, 0.9999)) {
    rows[[length(rows) + 1]] <- entry("t_quantile", c(p, df), qt(p, df))
  }
  for (x in c(-40, -6, -2.5, -1, -0.01, 0, 0.3, 1.96, 5)) {
    rows[[length(rows) + 1]] <- entry("t_cdf", c(x, df), pt(x, df))
  }
}
for (ab in list(c(1, 1), c(0.5, 0.5), c(1, 200), c(4, 197), c(52, 949), c(950, 51), c(5000, 3000), c(1, 29956))) {
  for (p in c(0.005, 0.025, 0.05, 0.5, 0.95, 0.975, 0.995)) {
    rows[[length(rows) + 1]] <- entry("beta_quantile", c(p, ab), qbeta(p, ab[1], ab[2]))
  }
  for (x in c(1e-6, 0.01, 0.05, 0.3, 0.5, 0.62, 0.95, 0.999)) {
    rows[[length(rows) + 1]] <- entry("beta_cdf", c(x, ab), pbeta(x, ab[1], ab[2]))
  }
}
for (case in list(c(0, 10, 0.1), c(3, 10, 0.5), c(9, 10, 0.5), c(95, 100, 0.95), c(40, 100, 0.5), c(1890, 2000, 0.95), c(5, 2000, 0.01))) {
  rows[[length(rows) + 1]] <- entry("binomial_cdf", case, pbinom(case[1], case[2], case[3]))
}
for (p in c(1e-9, 0.005, 0.025, 0.05, 0.3, 0.5, 0.9, 0.95, 0.975, 0.995, 0.99999)) {
  rows[[length(rows) + 1]] <- entry("normal_quantile", p, qnorm(p))
}
for (x in c(-30, -8, -1.96, -0.5, 0, 0.5, 1.6448536, 6)) {
  rows[[length(rows) + 1]] <- entry("normal_cdf", x, pnorm(x))
}
record("r_distributions", "qt, pt, qbeta, pbeta, pbinom, qnorm, pnorm of R itself", rows)
