# A corpus score that is no mean over cases, (sum a / sum b)^2: leave one case out, and t on the pseudo-values.
source("tests/known_answers/record.R")

level <- 0.9
noise <- function(n, a, m) ((seq_len(n) * a) %% m) / m
hall_quantile <- function(x, level) {
  n <- length(x)
  skewness <- mean((x - mean(x))^3) / mean((x - mean(x))^2)^1.5
  transform <- function(t) {
    w <- t / sqrt(n)
    sqrt(n) * (w + skewness * w^2 / 3 + skewness^2 * w^3 / 27 + skewness / (6 * n))
  }
  quantile <- qt((1 + level) / 2, n - 1)
  max(quantile, uniroot(function(t) transform(t) - quantile, c(-500, 500), tol = 1e-15, maxiter = 10000)$root)
}

score <- function(a, b) (sum(a) / sum(b))^2
pseudo <- function(a, b, f) {
  n <- length(a)
  n * f(score(a, b)) - (n - 1) * vapply(seq_len(n), function(i) f(score(a[-i], b[-i])), 0)
}
ends <- function(x, centre, level) {
  error <- sqrt(var(x) / length(x))
  c(centre - hall_quantile(x, level) * error, centre + hall_quantile(-x, level) * error)
}

n <- 50
length_before <- 5 + floor(12 * noise(n, 17, 53))
length_after <- 5 + floor(12 * noise(n, 19, 59))
before <- length_before * (0.3 + 0.5 * noise(n, 23, 61))
after <- length_after * (0.32 + 0.52 * noise(n, 29, 67))
x <- pseudo(after, length_after, identity) - pseudo(before, length_before, identity)
logs <- pseudo(after, length_after, log) - pseudo(before, length_before, log)
values <- list(list(
  baseline = cbind(before, length_before), candidate = cbind(after, length_after),
  scores = c(score(before, length_before), score(after, length_after)),
  error = jsonlite::unbox(sqrt(var(x) / n)), log_error = jsonlite::unbox(sqrt(var(logs) / n)),
  delta = ends(x, score(after, length_after) - score(before, length_before), level),
  relative_of_mean = expm1(ends(logs, mean(logs), level)),
  relative_of_score = expm1(ends(logs, log(score(after, length_after) / score(before, length_before)), level))
))
record("r_corpus", "delete-one jackknife: pseudo-values, their t interval with Hall's transform inverted by uniroot", values)
