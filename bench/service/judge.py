"""Scores answers against their sources. Standard input: JSON lines {source, file}; standard output: one JSON list of what score.py says of each."""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "jobs"))

from score import Scorer

scorer = Scorer(os.environ["BENCH_JUDGE"], pathlib.Path(os.environ["BENCH_WORK"]))
pairs = [json.loads(line) for line in sys.stdin]
json.dump([scorer.score(pathlib.Path(pair["source"]), pathlib.Path(pair["file"])) for pair in pairs], sys.stdout)
