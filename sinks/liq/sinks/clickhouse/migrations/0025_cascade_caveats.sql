-- Why an alert is not what a detector says that never lost anything.
ALTER TABLE cascades
    ADD COLUMN IF NOT EXISTS caveat Nullable(String) COMMENT 'log_replaced or state_lost: ended early; rebuilt: its state was lost and rebuilt' AFTER explanation;
