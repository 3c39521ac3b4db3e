# Paired rates by two published packages, PropCIs and contingencytables, from their installed versions or their sources:
#   Rscript tests/known_answers/packages.R [FOLDER]   where FOLDER/PropCIs and FOLDER/contingencytables are the sources on CRAN
# Both stop their iterations early (about 1e-7), so they are compared at 1e-6.
source("tests/known_answers/record.R")

folder <- commandArgs(trailingOnly = TRUE)
versions <- character(0)
use <- function(package) {
  if (length(folder)) {
    for (file in list.files(file.path(folder[1], package, "R"), "[.]R$", full.names = TRUE)) {
      try(sys.source(file, globalenv()), silent = TRUE)
    }
    version <- read.dcf(file.path(folder[1], package, "DESCRIPTION"))[1, "Version"]
  } else {
    library(package, character.only = TRUE)
    version <- as.character(packageVersion(package))
  }
  versions <<- c(versions, paste(package, version))
}
use("contingencytables")
use("PropCIs")

tables <- list(
  bentur_2009 = c(1, 1, 7, 12), agresti_approval = c(794, 150, 86, 570), propcis_example = c(60, 40, 20, 40), c(20, 3, 2, 15),
  c(5, 3, 3, 3), c(2, 6, 8, 4), c(43, 0, 1, 0), c(1900, 12, 40, 48), c(90, 10, 0, 0)
)
rows <- list()
for (table in unname(tables)) {
  square <- matrix(table, 2, byrow = TRUE)
  for (level in c(0.9, 0.95)) {
    tango <- Tango_asymptotic_score_CI_paired_2x2(square, 1 - level)
    newcombe <- Newcombe_square_and_add_CI_paired_2x2(square, 1 - level)
    rows[[length(rows) + 1]] <- c(list(table = table), one(level = level), list(
      tango = unlist(tango[c("lower", "upper")], use.names = FALSE),
      # the package takes candidate - baseline as c - b
      tango_propcis = as.vector(scoreci.mp(table[3], table[2], sum(table), level)$conf.int),
      newcombe = unlist(newcombe[c("lower", "upper")], use.names = FALSE)
    ), one(
      exact = McNemar_exact_cond_test_paired_2x2(square)[[1]],
      mid_p = McNemar_midP_test_paired_2x2(square)[[1]]
    ))
  }
}
record("r_packages", paste("functions of", paste(versions, collapse = ", ")), rows)
