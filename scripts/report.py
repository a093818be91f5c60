#!/usr/bin/env python3
"""Sums lit's and ctest's results: every skipped test with its reason, every failure, one last line.

report.py MISSING_FEATURES_JSON CTEST_XML FAILED LIT_JSON...
Tests of a file lit-ROW.json are of a run as on that row, and named so. FAILED is 1 if a runner failed by itself. Exit code 1 if anything failed.
"""
import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

PASSED = {"PASS", "FLAKYPASS", "XFAIL"}
SKIPPED = {"UNSUPPORTED", "SKIPPED"}


def read_json(path):
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)


def lit_reason(output, missing):
    """lit names the features a test lacks; the configuration recorded why each is absent."""
    found = re.search(r"unavailable features: (.*)", output)
    if not found:
        return output.strip() or "lit gave no reason"
    names = [name.strip() for name in found.group(1).split(",")]
    return "; ".join(f"{name}: {missing.get(name, 'not known to lit.cfg.py')}" for name in names)


def lit_results(path, missing):
    """(name, outcome, reason) of every test that was selected."""
    row = re.search(r"lit-(.+)\.json$", path)
    suffix = f" as on {row.group(1)}" if row else ""
    for test in read_json(path).get("tests", []):
        code = test["code"]
        if code == "EXCLUDED":
            continue
        if code in SKIPPED:
            yield test["name"] + suffix, "skipped", lit_reason(test["output"], missing)
        else:
            yield test["name"] + suffix, "passed" if code in PASSED else "failed", code


def ctest_results(path):
    if not os.path.exists(path):
        return
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name, status = "ctest :: " + case.get("name"), case.get("status")
        if status in ("notrun", "disabled"):
            skipped = case.find("skipped")
            said = re.search(r"Skipped\n(.*)", case.findtext("system-out") or "")
            reason = said.group(1) if said else (skipped.get("message") if skipped is not None else "")
            # A test whose own program is absent is "notrun" as well, and that is a failure.
            missing_program = not said and ("Unable to find" in reason or "not found" in reason.lower())
            yield name, "failed" if missing_program else "skipped", reason or "ctest gave no reason"
        else:
            yield name, "passed" if status == "run" else "failed", status


def main():
    missing_path, ctest_path, runner_failed, *lit_paths = sys.argv[1:]
    missing = read_json(missing_path)
    results = [result for path in lit_paths for result in lit_results(path, missing)] + list(ctest_results(ctest_path))
    by_outcome = {outcome: [] for outcome in ("passed", "failed", "skipped")}
    for name, outcome, reason in results:
        by_outcome[outcome].append((name, reason))
    for outcome, title in (("skipped", "skipped tests and why"), ("failed", "failed tests")):
        print(f"\n== {title}")
        for name, reason in by_outcome[outcome]:
            print(f"{name}: {reason}")
        if not by_outcome[outcome]:
            print("none")
    passed, failed, skipped = (len(by_outcome[key]) for key in ("passed", "failed", "skipped"))
    if runner_failed == "1" and failed == 0:
        print("a test runner failed by itself: see its messages above")
        failed = 1
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
