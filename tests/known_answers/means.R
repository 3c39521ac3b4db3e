# Means of paired scores: Student's t, Hall's transform, pseudo-units, clusters, and Fieller's ratio.
source("tests/known_answers/record.R")
library(sandwich)

level <- 0.9
noise <- function(n, a, m) ((seq_len(n) * a) %% m) / m

statistic <- function(x) mean(x) / sqrt(var(x) / length(x))
hall <- function(t, x) {
  n <- length(x)
  skewness <- mean((x - mean(x))^3) / mean((x - mean(x))^2)^1.5
  w <- t / sqrt(n)
  sqrt(n) * (w + skewness * w^2 / 3 + skewness^2 * w^3 / 27 + skewness / (6 * n))
}
guarded_low <- function(x, level) {
  quantile <- qt((1 + level) / 2, length(x) - 1)
  # the studentised mean whose transform is the quantile; the transform rises everywhere
  moved <- uniroot(function(t) hall(t, x) - quantile, c(-500, 500), tol = 1e-15, maxiter = 10000)$root
  mean(x) - max(quantile, moved) * sqrt(var(x) / length(x))
}
guarded <- function(x, level) c(guarded_low(x, level), -guarded_low(-x, level))
guarded_p <- function(x, bound) {
  t <- statistic(x - bound)
  max(pt(-t, length(x) - 1), pt(-hall(t, x), length(x) - 1))
}
ratio_by_quadratic <- function(before, after, level) {
  n <- length(before)
  q <- qt((1 + level) / 2, n - 1)^2
  v <- var(cbind(before, after)) / n
  a <- mean(before)^2 - q * v[1, 1]
  b <- mean(before) * mean(after) - q * v[1, 2]
  c <- mean(after)^2 - q * v[2, 2]
  stopifnot(a > 0)
  (b + c(-1, 1) * sqrt(b^2 - a * c)) / a - 1
}
ratio_guarded <- function(before, after, level) {
  centre <- mean(after) / mean(before) - 1
  low <- function(r) guarded_low(after - (1 + r) * before, level)
  high <- function(r) guarded_low((1 + r) * before - after, level)
  c(
    uniroot(low, c(centre - 0.9, centre), tol = 1e-15, maxiter = 10000)$root,
    uniroot(high, c(centre, centre + 5), tol = 1e-15, maxiter = 10000)$root
  )
}

rows <- list()
add <- function(...) rows[[length(rows) + 1]] <<- list(...)

# symmetric pairs around their means: every combination has no skewness, so that Hall's transform does not bind
u <- 0.3 * (noise(20, 7, 31) - 0.5)
v <- 0.4 * (noise(20, 11, 37) - 0.4)
before <- 0.5 + c(u, -u)
after <- 0.53 + c(u / 2 + v, -u / 2 - v)
d <- after - before
test <- t.test(d, conf.level = level)
add(
  name = jsonlite::unbox("plain"), baseline = before, candidate = after, delta = test$conf.int[1:2],
  reading = t.test(d)$conf.int[1:2], p_value = jsonlite::unbox(test$p.value), relative = ratio_by_quadratic(before, after, level),
  own = t.test(after, conf.level = level)$conf.int[1:2],
  p_above_2_points = jsonlite::unbox(t.test(d, mu = 0.02, alternative = "greater")$p.value)
)

# most cases gain a little, some lose much: Hall's transform widens one end only
before <- 0.35 + 0.5 * noise(60, 17, 61)
after <- before + 0.02 + 0.1 * noise(60, 23, 67)
after[seq(1, 60, 5)] <- before[seq(1, 60, 5)] - 0.34
d <- after - before
add(
  name = jsonlite::unbox("skewed"), baseline = before, candidate = after, delta = guarded(d, level), reading = guarded(d, 0.95),
  plain = t.test(d, conf.level = level)$conf.int[1:2], relative = ratio_guarded(before, after, level), own = guarded(after, level),
  p_value = jsonlite::unbox(2 * min(guarded_p(d, 0), guarded_p(-d, 0))), p_above_2_points = jsonlite::unbox(guarded_p(d, 0.02))
)

# five cases of fifty change: two pseudo-units stand at the ends of the range, and the skewness of so few is left out
before <- noise(50, 19, 53)
after <- before
after[c(3, 11, 20, 31)] <- pmin(1, before[c(3, 11, 20, 31)] + 0.25)
after[44] <- 0
d <- c(after - before, -1, 1)
add(
  name = jsonlite::unbox("few"), baseline = before, candidate = after, delta = t.test(d, conf.level = level)$conf.int[1:2],
  reading = t.test(d)$conf.int[1:2], relative = ratio_by_quadratic(c(before, 0, 1), c(after, 1, 0), level),
  own = guarded(after, level), p_value = jsonlite::unbox(t.test(d)$p.value),
  p_above_2_points = jsonlite::unbox(t.test(d, mu = 0.02, alternative = "greater")$p.value)
)

# twenty-four cases, all different: two pseudo-units, and the skewness counts
before <- 0.3 + 0.25 * noise(24, 7, 29)
after <- before + 0.02 + 0.4 * noise(24, 11, 31)
after[c(2, 9, 17)] <- before[c(2, 9, 17)] - 0.29
d <- c(after - before, -1, 1)
add(
  name = jsonlite::unbox("short"), baseline = before, candidate = after, delta = guarded(d, level), reading = guarded(d, 0.95),
  relative = ratio_guarded(c(before, 0, 1), c(after, 1, 0), level), own = guarded(c(after, 0, 1), level),
  p_value = jsonlite::unbox(2 * min(guarded_p(d, 0), guarded_p(-d, 0))), p_above_2_points = jsonlite::unbox(guarded_p(d, 0.02))
)

# forty clusters of three: t on cluster means, which is the CR1 error of the mean over rows when clusters are of one size
clusters <- rep(seq_len(40), each = 3)
shift <- c(noise(20, 7, 23), -noise(20, 7, 23)) * 0.25
jitter <- c(noise(60, 13, 71), -noise(60, 13, 71)) * 0.15
before <- 0.5 + 0.3 * (noise(120, 29, 127) - 0.5)
after <- before + 0.01 + shift[clusters] + jitter
d <- after - before
fit <- lm(d ~ 1)
error <- sqrt(vcovCL(fit, cluster = clusters, type = "HC0", cadjust = TRUE)[1, 1])
means <- tapply(d, clusters, mean)
add(
  name = jsonlite::unbox("clusters"), baseline = before, candidate = after, groups = clusters, delta = guarded(as.vector(means), level),
  t_of_means = t.test(means, conf.level = level)$conf.int[1:2],
  cr1 = mean(d) + c(-1, 1) * qt((1 + level) / 2, 39) * error, cr1_error = jsonlite::unbox(error)
)

# clusters of unequal size: each one weighs the same
clusters <- rep(seq_len(36), times = rep(c(1, 2, 3, 6), 9))
before <- 0.5 + 0.3 * (noise(108, 29, 127) - 0.5)
after <- before + 0.2 * (noise(36, 7, 41)[clusters] - 0.45) + 0.2 * (noise(108, 13, 71) - 0.5)
means <- as.vector(tapply(after - before, clusters, mean))
add(
  name = jsonlite::unbox("unequal_clusters"), baseline = before, candidate = after, groups = clusters,
  delta = guarded(means, level), t_of_means = t.test(means, conf.level = level)$conf.int[1:2], mean = jsonlite::unbox(mean(means))
)
record("r_means", "t.test, vcovCL (CR1), the quadratic of Fieller's theorem, and Hall's transform inverted by uniroot", rows, c("sandwich", "jsonlite"))
