# Every one of the 2^k exchanges of the two variants, enumerated.
source("tests/known_answers/record.R")

rows <- list()
add <- function(differences, n) {
  k <- length(differences)
  signs <- as.matrix(expand.grid(rep(list(c(1, -1)), k)))
  means <- as.vector(signs %*% differences) / n
  seen <- sum(differences) / n
  rows[[length(rows) + 1]] <<- list(
    differences = differences, n = jsonlite::unbox(n),
    p_higher = jsonlite::unbox(mean(means >= seen - 1e-12)), p_lower = jsonlite::unbox(mean(means <= seen + 1e-12))
  )
}
add(c(3, 1, 2, -1, 4, 2, -2, 5, 1, 3, 1, -1) / 16, 40)
add(rep(1, 10), 30)
add(c(-5, -3, 2, -4, -6, -2, -1, -3, 1, -7, -2) / 8, 50)
add(c(1, -1, 2, -2, 3, -3, 4, -4, 5, -5) / 8, 35)
add(c(13, 1, 7, -9, 4, 11, -2, 5, 3, 6, 2, -1, 8, 10, -3, 12) / 64, 60)
record("r_randomisation", "all 2^k sign changes by expand.grid, ties counted as extreme", rows)
