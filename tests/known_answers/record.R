# Write values as JSON with a header that says where they came from. Sourced by the other scripts.

record <- function(name, method, values, packages = character(0)) {
  versions <- vapply(packages, function(p) paste(p, as.character(packageVersion(p))), "")
  text <- function(x) jsonlite::toJSON(jsonlite::unbox(x))
  head <- c(
    tool = paste(c(R.version.string, versions), collapse = ", "),
    command = sprintf("Rscript tests/known_answers/%s.R", sub("r_", "", name)),
    method = method
  )
  # 15 significant digits, one value a line
  lines <- vapply(values, function(value) as.character(jsonlite::toJSON(value, digits = NA)), "")
  writeLines(
    c(
      "{", sprintf("\"%s\": %s,", names(head), vapply(head, text, "")),
      "\"values\": [", paste0(lines, c(rep(",", length(lines) - 1), "")), "]", "}"
    ),
    file.path(Sys.getenv("KNOWN_ANSWERS_OUT", "tests/known_answers"), sprintf("%s.json", name))
  )
}

one <- function(...) lapply(list(...), jsonlite::unbox)
