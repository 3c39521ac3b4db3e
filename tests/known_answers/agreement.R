# Kappa with its standard error, and the interval of a corrected rate, by other routes than evalgate's.
# Kappa: the delta method with a numerical gradient over the cells of the multinomial table.
# Corrected rate: the estimate from a root of the equation of apparent and true rate (uniroot); the interval of Lang and
# Reiczigel from their published steps, each written with the counts instead of the rates.
source("tests/known_answers/record.R")

kappa_of <- function(p) {
  observed <- sum(diag(p)); expected <- sum(rowSums(p) * colSums(p)) / sum(p)^2
  (observed / sum(p) - expected) / (1 - expected)
}
kappa_error <- function(counts) {
  n <- sum(counts); p <- counts / n; h <- 1e-5
  gradient <- sapply(seq_along(p), function(k) {
    up <- p; up[k] <- up[k] + h; down <- p; down[k] <- down[k] - h
    (kappa_of(up) - kappa_of(down)) / (2 * h)
  })
  v <- as.vector(p)
  sqrt((sum(v * gradient^2) - sum(v * gradient)^2) / n)
}
tables <- list(
  c(75, 5, 0, 1, 4, 0, 4, 1, 10), c(20, 10, 5, 15), c(45, 1, 40, 61), c(9, 1, 2, 88), c(3, 7, 8, 2), c(40, 1, 2, 57),
  c(12, 3, 1, 2, 4, 15, 6, 2, 0, 3, 22, 5, 1, 2, 4, 18)
)
kappas <- lapply(tables, function(cells) {
  side <- sqrt(length(cells)); counts <- matrix(cells, side)
  c(list(table = counts), one(kappa = kappa_of(counts), error = kappa_error(counts)))
})

corrected <- function(x, n, found, violations, spared, clean, level) {
  apparent <- function(rate) rate * found / violations + (1 - rate) * (1 - spared / clean) - x / n
  value <- uniroot(apparent, c(-50, 50), tol = 1e-14)$root
  z <- qnorm(1 - (1 - level) / 2)
  N <- n + z^2; P <- (x + z^2 / 2) / N
  S <- (found + 1) / (violations + 2); C <- (spared + 1) / (clean + 2)
  T <- (P + C - 1) / (S + C - 1)
  VS <- S * (1 - S) / (violations + 2); VC <- C * (1 - C) / (clean + 2)
  shift <- 2 * z^2 * (T * VS - (1 - T) * VC)
  half <- z * sqrt(P * (1 - P) / N + T^2 * VS + (1 - T)^2 * VC) / (S + C - 1)
  one(x = x, n = n, found = found, violations = violations, spared = spared, clean = clean, level = level,
       value = min(1, max(0, value)), low = max(0, T + shift - half), high = min(1, T + shift + half))
}
rates <- list(
  corrected(23, 150, 96, 100, 89, 100, 0.95), corrected(20, 90, 45, 46, 61, 101, 0.95), corrected(40, 90, 45, 46, 61, 101, 0.9),
  corrected(0, 40, 40, 41, 57, 59, 0.95), corrected(40, 40, 40, 41, 57, 59, 0.95), corrected(7, 1000, 19, 20, 499, 500, 0.99),
  corrected(500, 1000, 60, 100, 60, 100, 0.95)
)
record("r_agreement", "delta method with numerical gradients; uniroot; Lang and Reiczigel 2014 step by step", c(kappas, rates))
