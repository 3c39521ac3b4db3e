# Wilson's score interval from prop.test; F1's interval as the values that a score test of F1 does not refuse, by uniroot.
source("tests/known_answers/record.R")

rows <- list()
for (case in list(c(0, 10), c(1, 10), c(5, 10), c(10, 10), c(54, 74), c(3, 200), c(199, 200), c(4990, 5000))) {
  for (level in c(0.8, 0.9, 0.95, 0.99)) {
    ends <- prop.test(case[1], case[2], conf.level = level, correct = FALSE)$conf.int
    rows[[length(rows) + 1]] <- c(one(name = "wilson", count = case[1], total = case[2], level = level), list(ends = ends[1:2]))
  }
}
for (counts in list(c(54, 20, 38), c(49, 0, 0), c(20, 1, 1), c(1, 5, 9), c(105, 3, 31), c(2000, 120, 45))) {
  for (level in c(0.9, 0.95)) {
    found <- counts[1]; size <- sum(counts); z <- qnorm((1 + level) / 2)
    # under a true F1 of f the share of found among the three counts is f / (2 - f)
    score <- function(f) { p <- f / (2 - f); (found - size * p) / sqrt(size * p * (1 - p)) }
    solve <- function(target) uniroot(function(f) score(f) - target, c(1e-12, 1 - 1e-12), tol = 1e-14)$root
    low <- solve(z); high <- if (found == size) 1 else solve(-z)
    rows[[length(rows) + 1]] <- c(
      one(name = "f1", found = counts[1], false_alarms = counts[2], missed = counts[3], level = level,
          value = 2 * found / (2 * found + counts[2] + counts[3])),
      list(ends = c(low, high))
    )
  }
}
record("r_detector_quality", "prop.test without correction; the score test of F1 solved by uniroot", rows)
