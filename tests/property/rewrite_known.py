"""Writes `known.txt` anew and prints the tallies: python -m tests.property.rewrite_known"""

from tests.property.all_of_them import ALL
from tests.property.differ import differences
from tests.property.known import FILE

_HEAD = "# Written by `python -m tests.property.rewrite_known`: transformation and sample that still differ.\n"


def main() -> None:
    lines = []
    made = skipped = wrong = 0
    for name in ALL:
        tally, different = differences(name)
        made += tally.made
        skipped += sum(tally.skipped.values())
        wrong += sum(map(len, different.values()))
        print(f"{name}: {tally}; {sum(map(len, different.values()))} differ")
        lines += [f"{name}: {sample}\n" for sample in sorted(different)]
    FILE.write_text(_HEAD + "".join(lines), "utf-8")
    print(f"{made} made, {skipped} skipped, {wrong} differ, in {len(lines)} lines of {FILE.name}")


if __name__ == "__main__":
    main()
