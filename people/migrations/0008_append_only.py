"""Sign-in acts are written once, for the role that runs Neurocage.

It may take the person from them, as an account is deleted, and delete them when they are old. The
function is for the tables of other apps too. Whoever owns the tables is not held up: that role can
take the trigger away, and where there is one role for all, it is that.
"""

from django.db import migrations

# It runs with the rights of whoever changes a row. That there is a trigger says what is refused;
# its WHEN says what is not.
FUNCTION = """
CREATE FUNCTION people_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF NOT pg_has_role(
        current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER'
    ) THEN
        RAISE EXCEPTION 'permission denied for table %: its rows are written once', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$function$;
ALTER FUNCTION people_refuse_change() SET search_path = pg_catalog, pg_temp;
"""
# One day less than `SignInAct` is kept, as the clocks of two machines differ.
TRIGGERS = """
CREATE TRIGGER people_refuse_update BEFORE UPDATE ON people_signinact FOR EACH ROW
    WHEN (NEW.person_id IS NOT NULL
          OR to_jsonb(NEW) - 'person_id' IS DISTINCT FROM to_jsonb(OLD) - 'person_id')
    EXECUTE FUNCTION people_refuse_change();
CREATE TRIGGER people_refuse_delete BEFORE DELETE ON people_signinact FOR EACH ROW
    WHEN (OLD.at > now() - interval '399 days')
    EXECUTE FUNCTION people_refuse_change();
"""
WITHOUT = """
DROP TRIGGER people_refuse_update ON people_signinact;
DROP TRIGGER people_refuse_delete ON people_signinact;
DROP FUNCTION people_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0007_known_addresses")]

    operations = [migrations.RunSQL(FUNCTION + TRIGGERS, WITHOUT)]
