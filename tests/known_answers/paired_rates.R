# Tango's score test and interval, and Newcombe's method 10, without the formulas that evalgate uses: the constrained rate is a
# root of the likelihood's derivative, the interval a root of the score, and Wilson's ends are those of prop.test.
source("tests/known_answers/record.R")

score <- function(n, gained, dropped, difference) {
  rest <- n - gained - dropped
  # P(gain) = q + difference, P(drop) = q, P(neither) = 1 - 2 q - difference
  slope <- function(q) {
    (if (gained > 0) gained / (q + difference) else 0) + (if (dropped > 0) dropped / q else 0) - 2 * rest / (1 - 2 * q - difference)
  }
  least <- max(0, -difference)
  most <- (1 - difference) / 2
  inside <- c(least + (most - least) * 1e-14, most - (most - least) * 1e-14)
  q <- if (gained + dropped == 0 || slope(inside[1]) <= 0) {
    least
  } else if (rest == 0) {
    most
  } else {
    uniroot(slope, inside, tol = 1e-16, maxiter = 10000)$root
  }
  (gained - dropped - n * difference) / sqrt(n * (2 * q + difference - difference^2))
}

lower <- function(n, gained, dropped, level) {
  if (dropped == n) return(-1)
  z <- qnorm((1 + level) / 2)
  ends <- c(-1 + 1e-12, (gained - dropped) / n - (if (gained + dropped == 0) 1e-9 else 0))
  if (ends[2] >= 1) ends[2] <- 1 - 1e-12
  uniroot(function(d) score(n, gained, dropped, d) - z, ends, tol = 1e-15, maxiter = 10000)$root
}

newcombe <- function(both, gained, dropped, neither, level) {
  n <- both + gained + dropped + neither
  after <- both + gained
  before <- both + dropped
  wilson <- function(count) suppressWarnings(prop.test(count, n, conf.level = level, correct = FALSE))$conf.int
  a <- wilson(after)
  b <- wilson(before)
  margins <- c(after, n - after, before, n - before)
  cross <- both * neither - gained * dropped
  phi <- if (any(margins == 0)) 0 else (if (cross > 0) max(cross - n / 2, 0) else cross) / exp(sum(log(margins)) / 2)
  distance <- function(x, y) sqrt(x^2 - 2 * phi * x * y + y^2)
  d <- (gained - dropped) / n
  c(d - distance(after / n - a[1], b[2] - before / n), d + distance(a[2] - after / n, before / n - b[1]))
}

tables <- list(
  c(1, 1, 7, 12), c(794, 150, 86, 570), c(20, 3, 2, 15), c(5, 3, 3, 3), c(2, 6, 8, 4), c(25, 0, 0, 25), c(43, 0, 1, 0),
  c(60, 40, 20, 40), c(0, 30, 0, 0), c(0, 0, 30, 0), c(90, 10, 0, 0), c(0, 9, 0, 21), c(1900, 12, 40, 48), c(10, 11, 12, 0)
)
rows <- list()
for (table in tables) {
  n <- sum(table)
  for (level in c(0.8, 0.9, 0.95)) {
    high <- -lower(n, table[3], table[2], level)
    rows[[length(rows) + 1]] <- c(
      list(table = table), one(level = level),
      list(
        tango = c(lower(n, table[2], table[3], level), high),
        newcombe = newcombe(table[1], table[2], table[3], table[4], level)
      )
    )
  }
  bounds <- c(-0.1, -0.02, 0.02, 0.3)
  p <- vapply(bounds, function(d) pnorm(-score(n, table[2], table[3], d)), 0)
  rows[[length(rows) + 1]] <- c(list(table = table), list(bounds = bounds, p_above = p))
}
record("r_paired_rates", "likelihood and score solved by uniroot; Wilson's ends from prop.test", rows)
