from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.explain import Plan
from jupyter_sysdesign.notebook.plan.findings import Level, find

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.notebook.plan.node import PlanNode

    Explained = Callable[..., dict[str, object]]

NO_SEQ = ("enable_seqscan=off",)
LOOPS_ONLY = ("enable_hashjoin=off", "enable_mergejoin=off")


def node(plan: Plan, label: str) -> PlanNode:
    found = [node for node in plan.nodes if label in node.label]
    assert found, f"no {label!r} in {[node.label for node in plan.nodes]}"
    return found[0]


def codes(node: PlanNode) -> dict[str, Level]:
    return {finding.code: finding.level for finding in find(node)}


def sentence(node: PlanNode, code: str) -> str:
    return next(finding.sentence for finding in find(node) if finding.code == code)


def test_a_sequential_scan_that_throws_rows_away_is_a_problem(explained: Explained) -> None:
    plan = Plan(explained("SELECT * FROM products WHERE category_id = 7"))
    scan = node(plan, "Seq Scan on products")
    assert codes(scan)["seq-scan"] is Level.PROBLEM
    assert "every row of products (40,000) and throws 39,000 away (98%)" in sentence(
        scan, "seq-scan"
    )
    assert plan.rows == 1000
    assert plan.pages_per_row == plan.pages / 1000


def test_reading_a_whole_table_for_all_of_it_is_no_problem(explained: Explained) -> None:
    large = Plan(explained("SELECT * FROM products"))
    assert codes(node(large, "Seq Scan"))["seq-scan"] is Level.NOTICE
    small = Plan(explained("SELECT * FROM categories WHERE name = 'category-3'"))
    assert codes(node(small, "Seq Scan"))["seq-scan"] is Level.NOTE


def test_index_scan_has_nothing_to_complain_about(explained: Explained) -> None:
    plan = Plan(explained("SELECT * FROM products WHERE id = 77"))
    assert plan.root.label == "Index Scan using products_pkey on products"
    assert plan.findings == []
    assert plan.root.conditions() == [("Index Cond", "(id = 77)")]


def test_index_only_scan_and_its_visits_to_the_table(explained: Explained) -> None:
    statement = "SELECT stock, price FROM products WHERE stock = 3 AND price < 5000"
    clean = Plan(explained(statement, "enable_bitmapscan=off", *NO_SEQ))
    assert codes(node(clean, "Index Only Scan")) == {}
    dirty = Plan(
        explained(
            statement,
            "enable_bitmapscan=off",
            *NO_SEQ,
            before=("UPDATE products SET name = 'changed' WHERE stock = 3",),
        )
    )
    assert "table visited" in [finding.badge for _, finding in dirty.findings]


def test_skip_scan_is_told_by_the_number_of_index_searches(explained: Explained) -> None:
    plan = Plan(
        explained("SELECT * FROM products WHERE price = 1234", "enable_bitmapscan=off", *NO_SEQ)
    )
    scan = node(plan, "Index Scan using products_stock_price")
    assert scan.raw["Index Searches"] > 1
    assert codes(scan)["skip-scan"] is Level.NOTICE
    listed = Plan(explained("SELECT * FROM products WHERE id IN (3, 9999, 39000)", *NO_SEQ))
    assert [finding.code for _, finding in listed.findings if "search" in finding.badge] == [
        "index-searches"
    ]


def test_an_index_in_the_wrong_order_is_walked_in_vain(explained: Explained) -> None:
    plan = Plan(
        explained(
            "SELECT id FROM orders WHERE quantity = 3 AND product_id = 77 ORDER BY id",
            "enable_sort=off",
            "enable_bitmapscan=off",
            *NO_SEQ,
            before=("CREATE INDEX wrong ON orders (id, quantity, product_id)",),
        )
    )
    scan = next(node for node in plan.nodes if node.index == "wrong")
    assert codes(scan)["index-walk"] is Level.PROBLEM
    right = Plan(
        explained(
            "SELECT id FROM orders WHERE quantity = 3 AND product_id = 77 ORDER BY id",
            *NO_SEQ,
            before=("CREATE INDEX fitting ON orders (product_id, quantity, id)",),
        )
    )
    assert "index-walk" not in [finding.code for _, finding in right.findings]


def test_rows_an_index_led_to_in_vain(explained: Explained) -> None:
    plan = Plan(explained("SELECT * FROM products WHERE stock = 1 AND category_id = 7", *NO_SEQ))
    scan = next(node for node in plan.nodes if node.removed())
    assert codes(scan)["filter"] is Level.PROBLEM
    assert "8,000 rows" in sentence(scan, "filter")


@pytest.mark.parametrize(
    ("statement", "source"),
    [
        ("SELECT * FROM generate_series(1, 5000) AS n WHERE n % 100 = 0", "It was given"),
        ("SELECT * FROM (VALUES (1), (2), (3)) AS v (n) WHERE n > 1", "It was given"),
        (
            "SELECT * FROM products LEFT JOIN orders USING (id) WHERE coalesce(quantity, 1) = 1",
            "It joined",
        ),
    ],
)
def test_rows_that_no_index_led_to(explained: Explained, statement: str, source: str) -> None:
    plan = Plan(explained(statement))
    thrown = next(node for node in plan.nodes if node.removed())
    assert sentence(thrown, "filter").startswith(f"{source} ")


def test_sort_in_memory_top_n_and_on_disk(explained: Explained) -> None:
    memory = Plan(explained("SELECT * FROM products ORDER BY name", "work_mem='64MB'"))
    assert codes(node(memory, "Sort")) == {"sort": Level.NOTICE}
    assert "in memory" in sentence(node(memory, "Sort"), "sort")
    top = Plan(explained("SELECT * FROM products ORDER BY name LIMIT 5"))
    assert "first 5 by name" in sentence(node(top, "Sort"), "sort")
    disk = Plan(explained("SELECT * FROM products ORDER BY name", "work_mem='64kB'"))
    assert codes(node(disk, "Sort"))["sort-disk"] is Level.PROBLEM
    assert node(disk, "Sort").self_temp_pages > 0


def test_parallel_sort_on_disk_is_seen_in_the_workers(explained: Explained) -> None:
    plan = Plan(explained("SELECT * FROM products ORDER BY name", *_PARALLEL, "work_mem='64kB'"))
    assert codes(node(plan, "Sort"))["sort-disk"] is Level.PROBLEM


def test_hash_table_that_spills(explained: Explained) -> None:
    plan = Plan(
        explained(
            "SELECT * FROM orders o JOIN products p ON p.id = o.product_id",
            "work_mem='64kB'",
            "enable_nestloop=off",
            "enable_mergejoin=off",
        )
    )
    hash_table = next(node for node in plan.nodes if node.type == "Hash")
    assert codes(hash_table)["spill"] is Level.PROBLEM
    assert "on disk" in sentence(hash_table, "spill")


def test_misestimate_of_correlated_columns(explained: Explained) -> None:
    plan = Plan(explained("SELECT * FROM products WHERE city = 'city-3' AND zip = 'zip-3'"))
    assert codes(plan.root)["misestimate"] is Level.PROBLEM
    assert "rows and got 800, " in sentence(plan.root, "misestimate")
    below = [finding.code for node in plan.root.children for finding in find(node)]
    assert "misestimate" not in below  # PostgreSQL counts no rows in a BitmapAnd


def test_a_misestimate_is_marked_where_it_begins(explained: Explained) -> None:
    plan = Plan(
        explained("SELECT * FROM products WHERE city = 'city-3' AND zip = 'zip-3' ORDER BY name")
    )
    marked = [node.type for node, finding in plan.findings if finding.code == "misestimate"]
    assert len(marked) == 1
    assert "Sort" not in marked
    few = Plan(explained("SELECT * FROM products WHERE city = 'city-3' AND id < 60"))
    assert "misestimate" not in [finding.code for _, finding in few.findings]


def test_rows_a_limit_did_not_ask_for_are_no_misestimate(explained: Explained) -> None:
    cut = Plan(explained("SELECT * FROM products LIMIT 5"))
    assert cut.root.children[0].cut_short
    assert "misestimate" not in codes(cut.root.children[0])
    through = Plan(explained("SELECT * FROM (SELECT * FROM products WHERE stock = 4) p LIMIT 9999"))
    assert not through.root.children[0].cut_short


def test_loops_are_multiplied(explained: Explained) -> None:
    plan = Plan(
        explained(
            "SELECT * FROM orders o JOIN products p ON p.id = o.product_id WHERE o.id < 200",
            *LOOPS_ONLY,
            "enable_memoize=off",
        )
    )
    inner = node(plan, "products_pkey")
    assert inner.loops == 199
    assert inner.rows == 199
    assert inner.pages == 597  # three per look-up
    assert "loops" in codes(inner)
    assert plan.root.self_pages + sum(child.pages for child in plan.root.children) == plan.pages


def test_removed_rows_are_multiplied_by_loops_too(explained: Explained) -> None:
    plan = Plan(
        explained(
            "SELECT c.name, (SELECT count(*) FROM products p WHERE p.category_id = c.id)"
            " FROM categories c"
        )
    )
    scan = node(plan, "Seq Scan on products")
    assert scan.removed() == 40 * 39_000
    assert "40 times over (1,600,000)" in sentence(scan, "seq-scan")
    subplan = next(node for node in plan.nodes if node.role == "SubPlan 1")
    assert codes(subplan)["subplan"] is Level.NOTICE


_PARALLEL = (
    "max_parallel_workers_per_gather=2",
    "parallel_setup_cost=0",
    "parallel_tuple_cost=0",
    "min_parallel_table_scan_size=0",
)


def test_parallel_rows_are_summed_and_times_are_not(explained: Explained) -> None:
    plan = Plan(explained("SELECT count(*) FROM products WHERE name LIKE '%9%'", *_PARALLEL))
    gather, scan = node(plan, "Gather"), node(plan, "Parallel Seq Scan")
    assert scan.rows + scan.removed() == pytest.approx(40_000, abs=3)
    assert scan.processes == gather.raw["Workers Launched"] + 1
    assert scan.total_ms <= gather.total_ms
    assert "workers" in codes(gather)


def test_memoize_hash_join_and_merge_join_have_words(explained: Explained) -> None:
    memo = Plan(
        explained("SELECT * FROM orders o JOIN categories c ON c.id = o.quantity", *LOOPS_ONLY)
    )
    assert "look-ups answered from memory" in sentence(node(memo, "Memoize"), "memoize")
    merge = Plan(
        explained(
            "SELECT * FROM orders o JOIN products p ON p.id = o.id",
            "enable_hashjoin=off",
            "enable_nestloop=off",
        )
    )
    assert "Walks two inputs" in merge._repr_html_()


def test_time_and_pages_of_a_cte_count_where_it_is_read(explained: Explained) -> None:
    plan = Plan(
        explained(
            "WITH x AS MATERIALIZED (SELECT * FROM products WHERE stock = 1) "
            "SELECT count(*) FROM x WHERE price < 100"
        )
    )
    cte, reader = next(n for n in plan.nodes if n.role == "CTE x"), node(plan, "CTE Scan on x")
    assert reader.pages == cte.pages  # PostgreSQL counts them twice …
    assert reader.self_pages == 0  # … and we once
    assert sum(node.self_pages for node in plan.nodes) == plan.pages
    assert reader.self_ms < reader.total_ms


def test_an_init_plan_counts_in_the_step_that_asks_for_it(explained: Explained) -> None:
    plan = Plan(
        explained("SELECT * FROM products WHERE price = (SELECT max(price + 0) FROM products)")
    )
    assert sum(node.self_pages for node in plan.nodes) == plan.pages
    total = sum(node.self_ms for node in plan.nodes)
    assert total == pytest.approx(plan.root.total_ms, rel=0.02, abs=0.02)


def test_a_step_that_never_ran_says_so(explained: Explained) -> None:
    plan = Plan(
        explained(
            "SELECT * FROM products p JOIN orders o ON o.product_id = p.id WHERE p.id = -1",
            *LOOPS_ONLY,
        )
    )
    scan = node(plan, "Seq Scan on orders")
    assert scan.never
    assert codes(scan) == {"never": Level.NOTE}
    assert "never ran" in repr(plan)


def test_lossy_bitmap(explained: Explained) -> None:
    plan = Plan(
        explained(
            "SELECT * FROM products WHERE price BETWEEN 0 AND 6000",
            "work_mem='64kB'",
            "enable_indexscan=off",
            *NO_SEQ,
        )
    )
    scan = node(plan, "Bitmap Heap Scan")
    if scan.raw["Lossy Heap Blocks"]:
        assert codes(scan)["lossy"] is Level.NOTICE
    assert scan.raw["Exact Heap Blocks"] + scan.raw["Lossy Heap Blocks"] > 0


def test_writes_are_explained_too(explained: Explained) -> None:
    plan = Plan(explained("UPDATE products SET stock = 9 WHERE id < 5"))
    assert plan.root.label == "Update on products"
    assert plan.rows == 4
    assert not plan.root.counted


def test_rows_that_a_cte_found_are_not_those_written(explained: Explained) -> None:
    found = "WITH few AS MATERIALIZED (SELECT id FROM products WHERE stock = 1)"
    update = "UPDATE products SET stock = 9 WHERE id IN (SELECT id FROM few WHERE id < 31)"
    plan = Plan(explained(f"{found} {update}"))
    assert plan.root.children[0].rows == 8000
    assert plan.rows == 6


def test_without_analyze_there_are_only_guesses(explained: Explained) -> None:
    plan = Plan(explained("SELECT * FROM products WHERE category_id = 7", analyze=False))
    assert not plan.measured
    assert "expects" in plan.headline
    assert "Rows expected" in plan._repr_html_()
    assert "rows expected" in repr(plan)


def test_statement_and_conditions_are_escaped(explained: Explained) -> None:
    statement = "SELECT '<img src=x onerror=alert(1)>' FROM products WHERE name = '</code><script>'"
    html = Plan(explained(statement), statement)._repr_html_()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_what_is_no_plan_is_refused() -> None:
    for document in ({}, [], "x", [{"Plan": 1}], None):
        with pytest.raises(InvalidRequestError):
            Plan(document)
