# Which order statistics enclose a percentile, from qbinom.
source("tests/known_answers/record.R")

rows <- list()
for (n in c(30, 58, 59, 60, 89, 100, 500, 2000, 100000)) {
  for (share in c(0.5, 0.9, 0.95, 0.99)) {
    for (error in c(0.05, 0.025)) {
      lower <- qbinom(error, n, share)
      upper <- qbinom(1 - error, n, share) + 1
      ranks <- if (lower >= 1 && upper <= n) c(lower, upper) else integer(0)
      rows[[length(rows) + 1]] <- c(one(n = n, share = share, error = error), list(ranks = ranks))
    }
  }
}
record("r_ranks", "qbinom(error, n, share) and qbinom(1 - error, n, share) + 1; no ranks where one falls outside 1 to n", rows)
