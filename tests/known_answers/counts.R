# Clopper-Pearson bounds and McNemar's exact and mid-p tests, from binom.test and binomial probabilities.
source("tests/known_answers/record.R")

rows <- list()
for (case in list(c(0, 10), c(1, 10), c(5, 10), c(10, 10), c(0, 200), c(3, 200), c(104, 200), c(199, 200), c(37, 5000), c(4990, 5000))) {
  for (level in c(0.8, 0.9, 0.95, 0.99)) {
    both <- binom.test(case[1], case[2], conf.level = level)$conf.int
    upper <- binom.test(case[1], case[2], alternative = "less", conf.level = level)$conf.int[2]
    lower <- binom.test(case[1], case[2], alternative = "greater", conf.level = level)$conf.int[1]
    rows[[length(rows) + 1]] <- c(
      one(name = "rate", count = case[1], total = case[2], level = level),
      list(two_sided = both[1:2]), one(upper = upper, lower = lower)
    )
  }
}
for (pair in list(c(1, 0), c(5, 0), c(0, 5), c(3, 3), c(7, 1), c(12, 4), c(1, 7), c(40, 61), c(86, 150), c(700, 640), c(1300, 1208))) {
  total <- sum(pair)
  probabilities <- dbinom(0:total, total, 0.5)
  # the observed table and its mirror count half
  extreme <- abs(0:total - total / 2) > abs(pair[1] - total / 2)
  equal <- abs(0:total - total / 2) == abs(pair[1] - total / 2)
  rows[[length(rows) + 1]] <- one(
    name = "mcnemar", new = pair[1], resolved = pair[2],
    greater = binom.test(pair[1], total, alternative = "greater")$p.value,
    two_sided = binom.test(pair[1], total)$p.value,
    mid_p = sum(probabilities[extreme]) + sum(probabilities[equal]) / 2
  )
}
record("r_counts", "binom.test; the mid-p value sums dbinom over the more extreme tables and half of the equally extreme ones", rows)
